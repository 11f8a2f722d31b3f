/**
 * What each asker heard against the promises, and against the log of the request as a fresh connection is told it in the
 * end: nothing lost, nothing else told, nothing out of order. An event that comes again is no fault here (§11): it is counted.
 * What the tape alone proves is for its judge (packages/contract/src/torture/verdict.ts).
 */
import type { ServerMessage } from "@streamer/protocol";
import type { Asked, Heard } from "./asker.ts";
import { ROWS } from "./handlers.ts";

export type Event = Exclude<ServerMessage, { readonly type: "snapshot" }> & { readonly seq: number };
const isEvent = (message: ServerMessage): message is Event => "seq" in message && message.seq !== undefined && message.type !== "snapshot";
const isEnd = ({ type }: ServerMessage): boolean => type === "complete" || type === "error";
const show = (message: ServerMessage): string => JSON.stringify(message).slice(0, 200);

export interface Audit {
  readonly broken: readonly string[];
  /** Events that were told again. */
  readonly repeats: number;
}

/** The events a fresh connection was told, once each, by seq. */
export function logOf({ heard }: Asked): ReadonlyMap<number, Event> {
  return new Map(heard.flatMap(({ message }) => (isEvent(message) ? [[message.seq, message] as const] : [])));
}

export function audit(asked: Asked, log: ReadonlyMap<number, Event> | undefined): Audit {
  const { wish, heard, end } = asked;
  const broken: string[] = [];
  const say = (promise: string, what: string): void => void broken.push(`${promise} ${wish.id} (${wish.kind}): ${what}`);
  if (!end) say("P2", `it still waits, having heard ${heard.length === 0 ? "nothing" : show(heard.at(-1)!.message)}`);
  else checkEnd(asked, end.message, say);
  const events = heard.filter((one): one is Heard & { readonly message: Event } => isEvent(one.message));
  const repeats = checkOrder(events, say);
  if (log) checkLog(events, { log, upTo: end ? Infinity : 0 }, say);
  if (log && wish.kind === "rows") checkRows(log, say);
  return { broken, repeats };
}

type Say = (promise: string, what: string) => void;

function checkEnd({ wish }: Asked, end: ServerMessage, say: Say): void {
  if (end.type === "complete" || end.type === "response") {
    const wrong = wish.wrong(end.type === "complete" ? end.result : end.data);
    if (wrong !== undefined) say("P2", wrong);
  } else if (!(wish.kind === "held" && end.type === "error" && end.error.code === "CANCELLED")) say("P2", `it ended with ${show(end)}`);
}

/** How many came again. */
function checkOrder(events: readonly (Heard & { readonly message: Event })[], say: Say): number {
  const seen = new Set<number>();
  let repeats = 0;
  let newest = 0;
  for (const { message } of events) {
    const { seq } = message;
    if (seen.has(seq)) {
      repeats += 1;
      continue;
    }
    seen.add(seq);
    // Progress that newer progress has overtaken is left out, so it should not come at all.
    if (seq < newest) say("P5", `seq ${seq} comes after ${newest}, and was not told before: ${show(message)}`);
    newest = Math.max(newest, seq);
  }
  return repeats;
}

function checkLog(
  events: readonly { readonly message: Event }[],
  { log, upTo }: { readonly log: ReadonlyMap<number, Event>; readonly upTo: number },
  say: Say,
): void {
  const told = new Map(events.map(({ message }) => [message.seq, message]));
  for (const [seq, message] of log) {
    if (message.type === "progress" || seq > upTo) continue;
    if (!told.has(seq)) say("P5 P6", `seq ${seq} was never told: ${show(message)}`);
  }
  for (const [seq, message] of told) {
    if (message.type === "progress") continue;
    const stored = log.get(seq);
    if (!stored) say("P5", `seq ${seq} was told, and is not in the log: ${show(message)}`);
    else if (JSON.stringify(stored) !== JSON.stringify(message))
      say("P5", `seq ${seq} was told as ${show(message)}, the log has ${show(stored)}`);
  }
  const ends = Array.from(log.values()).filter(isEnd);
  if (ends.length !== 1) say("P2", `its log has ${ends.length} ends`);
}

/** Every row of the attempt that ended it, once and in order; of attempts before, those they got to. */
function checkRows(log: ReadonlyMap<number, Event>, say: Say): void {
  const rows = Array.from(log.values())
    .toSorted((a, b) => a.seq - b.seq)
    .flatMap((message) => (message.type === "partial" ? [message.data as readonly [attempt: number, row: number]] : []));
  const byAttempt = Map.groupBy(rows, ([attempt]) => attempt);
  const last = Math.max(...byAttempt.keys());
  for (const [attempt, told] of byAttempt) {
    const isWhole = told.every(([, row], at) => row === at) && (attempt < last || told.length === ROWS);
    if (!isWhole) say("P5", `attempt ${attempt} of ${last} has the rows ${told.map(([, row]) => row).join(" ")}`);
  }
}
