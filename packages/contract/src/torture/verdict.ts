/**
 * What a client's tape proves against a server of `streamer.v1`. Pure: it assumes docs/protocol.md and nothing else, and
 * asks nobody but the tape.
 */
import { readTape, type Followed } from "./followed.ts";
import { isEnd, type Tape, type TapedEvent } from "./tape.ts";

export const FAULTS = ["lost", "duplicated", "disordered", "unanswered", "invalid"] as const;
export type Fault = (typeof FAULTS)[number];

export interface Finding {
  readonly fault: Fault;
  /** The request or `ref` it is about. */
  readonly id: string;
  readonly text: string;
}

export interface Terms {
  /** The client waited for everything: what has no answer now, has none. Default true. */
  readonly isOver?: boolean;
  /** No process died meanwhile: an attempt that no `retrying` explains is a second run (P4). Default false. */
  readonly isSteady?: boolean;
  /** Behind an API gateway an event or an answer may come again (§6.1, §11). Default false. */
  readonly mayRepeat?: boolean;
}

export function judge(tape: Tape, terms: Terms = {}): readonly Finding[] {
  const { followed, unreadable, unanswered, answeredTwice } = readTape(tape);
  const isOver = terms.isOver ?? true;
  return [
    ...unreadable.map((text): Finding => ({ fault: "invalid", id: "", text: `no message of the protocol: ${text.slice(0, 300)}` })),
    ...(terms.mayRepeat
      ? []
      : answeredTwice.map((ref): Finding => ({ fault: "duplicated", id: ref, text: "its frame was answered twice" }))),
    ...(isOver
      ? unanswered.map((message): Finding => {
          const ref = "ref" in message ? message.ref : undefined;
          return { fault: "unanswered", id: ref ?? "", text: `${message.type} was never answered` };
        })
      : []),
    ...Array.from(new Set(followed.values())).flatMap((one) => judgeRequest(one, { ...terms, isOver })),
  ];
}

function judgeRequest(one: Followed, { isOver, isSteady = false, mayRepeat = false }: Terms): Finding[] {
  const findings: Finding[] = [];
  const find = (fault: Fault, text: string): void => void findings.push({ fault, id: one.id, text });
  for (const { type, seq } of one.unasked) find("disordered", `${type} (seq ${seq}) came to a connection that had not asked for it`);
  const events = distinct(one.events, find);
  if (!mayRepeat) for (const { seqs } of one.cursors) judgeCursor(seqs, find);
  judgeGaps(one, events, find);
  judgePartials(events, find);
  judgeProgress(events, find);
  judgeReceipts(events, find);
  judgeEnds(one, events, find);
  if (isOver) judgeAnswer(one, events, find);
  if (isSteady) judgeAttempts(one, events, find);
  return findings;
}

type Find = (fault: Fault, text: string) => void;

/** By seq. An event that is told again must be the one it was; links in a result are signed anew. */
function distinct(heard: readonly TapedEvent[], find: Find): readonly TapedEvent[] {
  const bySeq = new Map<number, TapedEvent>();
  const textOf = (event: TapedEvent): string => JSON.stringify({ ...event, result: undefined });
  for (const event of heard) {
    const known = bySeq.get(event.seq);
    if (known && textOf(known) !== textOf(event)) find("duplicated", `seq ${event.seq} is ${textOf(known)} and ${textOf(event)}`);
    else bySeq.set(event.seq, event);
  }
  return Array.from(bySeq.values()).toSorted((a, b) => a.seq - b.seq);
}

function judgeCursor(seqs: readonly number[], find: Find): void {
  for (const [at, seq] of seqs.entries()) {
    if (seqs.indexOf(seq) < at) find("duplicated", `seq ${seq} came twice on one cursor`);
    else if (at > 0 && seq < seqs[at - 1]!) find("disordered", `seq ${seq} came after ${seqs[at - 1]}`);
  }
}

/** What one cursor was told, no other may leave out (§6.2): only progress is coalesced. */
function judgeGaps({ cursors }: Followed, events: readonly TapedEvent[], find: Find): void {
  for (const { from, seqs } of cursors) {
    const last = Math.max(...seqs);
    const told = new Set(seqs);
    for (const { type, seq } of events)
      if (type !== "progress" && seq > from && seq < last && !told.has(seq)) find("lost", `${type} (seq ${seq}) was left out of a replay`);
  }
}

/** Indices count on within a stream; an attempt that starts over begins again at 0. */
function judgePartials(events: readonly TapedEvent[], find: Find): void {
  const next = new Map<string, number>();
  for (const event of events) {
    if (event.type !== "partial") continue;
    const { stream, index, seq } = event;
    const expected = next.get(stream) ?? 0;
    if (index > expected) find("lost", `partials ${expected} to ${index - 1} of stream "${stream}" are missing before seq ${seq}`);
    else if (index < expected && index > 0) find("disordered", `partial ${index} of stream "${stream}" came when ${expected} was next`);
    next.set(stream, index + 1);
  }
}

function judgeProgress(events: readonly TapedEvent[], find: Find): void {
  let attempt = 0;
  let percentage = -1;
  for (const event of events) {
    if (event.type === "complete" && percentage !== 100 && percentage >= 0) find("lost", `it was complete at ${percentage} %`);
    if (event.type !== "progress") continue;
    if (event.attempt < attempt || (event.attempt === attempt && event.percentage < percentage))
      find("disordered", `progress went from ${percentage} % of attempt ${attempt} to ${event.percentage} % of ${event.attempt}`);
    ({ attempt, percentage } = event);
  }
}

const STAGES = ["requested", "observed", "stopped"];

function judgeReceipts(events: readonly TapedEvent[], find: Find): void {
  let reached = -1;
  for (const event of events) {
    if (event.type === "acknowledgment") reached = -1;
    if (event.type !== "cancellation" || event.stage === "too_late") continue;
    const stage = STAGES.indexOf(event.stage);
    if (stage < reached) find("disordered", `receipt "${event.stage}" came after "${STAGES[reached]}"`);
    else if (stage === reached && stage > 0) find("duplicated", `receipt "${event.stage}" came twice`);
    reached = stage;
  }
}

function judgeEnds(one: Followed, events: readonly TapedEvent[], find: Find): void {
  const ends = events.filter(isEnd);
  if (ends.length > 1 + one.retries) find("duplicated", `it ended ${ends.length} times: ${ends.map(({ seq }) => `seq ${seq}`).join(", ")}`);
  const after = ends[0] && one.retries === 0 ? events.find(({ seq }) => seq > ends[0]!.seq) : undefined;
  if (after && !isEnd(after)) find("disordered", `${after.type} (seq ${after.seq}) came after its end`);
  if (one.responses.length > 0 && ends.length > 0) find("duplicated", "it was answered at once, and ended as a queued request too");
  if (one.responses.length > one.asks) find("duplicated", `it was answered ${one.responses.length} times, and asked for ${one.asks} times`);
  const answers = new Set(one.responses.map(({ success, data, error }) => JSON.stringify([success, data, error?.code])));
  if (answers.size > 1) find("duplicated", `it was answered with ${Array.from(answers).join(" and ")}`);
}

function judgeAnswer(one: Followed, events: readonly TapedEvent[], find: Find): void {
  if (events.some(isEnd) || one.responses.length > 0) return;
  if (one.isAcknowledged || events.length > 0) find("lost", `it was acknowledged, and its end never told; ${events.length} events were`);
  else if (one.asks > 0 && one.refusals.length === 0) find("unanswered", "it was asked for, and never answered");
}

function judgeAttempts(one: Followed, events: readonly TapedEvent[], find: Find): void {
  const end = events.findLast(isEnd);
  if (end?.type !== "complete" || one.retries > 0) return;
  const explained = 1 + events.filter(({ type }) => type === "retrying").length;
  if (end.metadata.attempts > explained) find("duplicated", `it ran ${end.metadata.attempts} times, of which ${explained} are explained`);
}
