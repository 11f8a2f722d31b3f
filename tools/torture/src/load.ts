/**
 * Requests of every kind, asked for by bare clients that keep all they hear, while something is done to their server:
 * each is checked against what it should have been given, and in the end against what the server says of it.
 */
import { setTimeout as pass } from "node:timers/promises";
import { createAsker, judge, type Asker, type Ending, type Terms } from "@streamer/contract/torture";
import { largeOf } from "./server/kinds.ts";
import { chainOf } from "./server/work.ts";
import { until } from "./deadline.ts";

/** May refuse what it cannot store: asked for again, as a client would. */
const MAY_COME_BACK: ReadonlySet<string> = new Set(["STORAGE_ERROR", "SERVICE_UNAVAILABLE", "RATE_LIMITED", "INTERNAL_ERROR"]);

interface Kind {
  readonly action: string;
  readonly options?: object;
  /** What is wrong with what it was given, if anything. */
  readonly check: (n: number, result: unknown, signal: AbortSignal) => Promise<string | undefined> | string | undefined;
}

const digestOf = (n: number, result: unknown): string | undefined =>
  (result as { digest?: unknown } | undefined)?.digest === chainOf(n).at(-1) ? undefined : "it was given another result";

const KINDS: readonly Kind[] = [
  { action: "torture.resumable", options: { mode: "async" }, check: digestOf },
  { action: "torture.resumable", options: { mode: "async", delay_ms: 60 }, check: digestOf },
  { action: "torture.chain", options: { mode: "async" }, check: digestOf },
  { action: "torture.short", check: digestOf },
  {
    action: "torture.large",
    options: { mode: "async" },
    check: (n, result) => ((result as { text?: unknown }).text === largeOf(n) ? undefined : "its large result is another"),
  },
  { action: "torture.file", options: { mode: "async" }, check: checkFile },
  { action: "torture.endless", options: { mode: "async" }, check: () => "what was cancelled is complete" },
];

/** More than a server that is killed again and again needs to be there once. */
const READ_TRIES = 2_000;

/** The server may be away just then. */
async function checkFile(n: number, result: unknown, signal: AbortSignal): Promise<string | undefined> {
  const url = (result as { file?: { url?: string } }).file?.url;
  if (url === undefined) return "its result has no link";
  for (let tries = 0; tries < READ_TRIES && !signal.aborted; tries += 1) {
    const response = await fetch(url, { signal }).catch(() => undefined);
    const text = response?.ok ? await response.text().catch(() => undefined) : undefined;
    if (text !== undefined) return text === largeOf(n) ? undefined : `its file has ${text.length} other characters`;
    if (response?.status === 404) return "its file is gone";
    await pass(50);
  }
  return `its file could not be read in ${READ_TRIES} tries`;
}

export interface Load {
  /** Ended so far, as their clients were told. */
  readonly ended: number;
  /** Of one action. */
  endedOf(action: string): number;
  /** Answers that refused for now, by code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Requests that were made dead letters because their process had died too often. */
  readonly quarantined: readonly string[];
  /** Asks for nothing more; resolves when all that was asked for has ended. */
  stop(): Promise<void>;
  /** What was broken, once it has stopped: what was given, told, and what the server says now. */
  verdict(terms?: Terms): Promise<readonly string[]>;
  /** Ends one connection of one client, which comes back. */
  cutOne(): void;
  close(): void;
}

export interface LoadTerms {
  readonly url: string;
  readonly token: string;
  readonly random: () => number;
  readonly clients: number;
  /** Of the requests, to tell loads of one server apart. */
  readonly name: string;
  /** Their server dies of something else: a dead letter for its deaths is counted, and not broken. Default false. */
  readonly mayBeQuarantined?: boolean;
  /** Each client waits up to so long between two requests. Default not at all. */
  readonly pauseMs?: number;
  /** What ended longer ago is not asked for in the end. Default: everything is. */
  readonly retentionMs?: number;
  readonly signal: AbortSignal;
}

interface Told {
  readonly how: Ending["how"];
  readonly action: string;
  /** Of the monotonic clock, in ms. */
  readonly at: number;
}

export function startLoad({
  url,
  token,
  random,
  clients,
  name,
  mayBeQuarantined = false,
  pauseMs,
  retentionMs = Infinity,
  signal,
}: LoadTerms): Load {
  const askers: readonly Asker[] = Array.from({ length: clients }, () => createAsker({ url, token, random, baseMs: 20, capMs: 200 }));
  const endings = new Map<string, Told>();
  const refusals: Record<string, number> = {};
  const broken: string[] = [];
  const quarantined: string[] = [];
  let isOver = false;
  let count = 0;

  async function askOnce(asker: Asker, kind: Kind): Promise<void> {
    const n = (count += 1);
    const id = `${name}-${n}`;
    const frame = { type: "request", id, action: kind.action, payload: { n }, ...(kind.options && { options: kind.options }) } as const;
    for (;;) {
      const asked = asker.request(frame);
      if (kind.action === "torture.endless") void cancelUntil(asker, id, asked);
      const ending = await Promise.race([asked, stopped]);
      if (!ending) return void broken.push(`${id} (${kind.action}) had not ended when time was up`);
      if (ending.how === "refused") {
        const { message } = ending;
        const code = message.type === "error" ? message.error.code : message.type;
        refusals[code] = (refusals[code] ?? 0) + 1;
        if (!MAY_COME_BACK.has(code)) return void broken.push(`${id} (${kind.action}) was refused with ${code}`);
        await pass(50);
        continue;
      }
      if (mayBeQuarantined && isQuarantine(ending)) return void quarantined.push(id);
      endings.set(id, { how: ending.how, action: kind.action, at: performance.now() });
      const wrong = await judgeEnding(kind, { n, ending, signal });
      if (wrong !== undefined) broken.push(`${id} (${kind.action}): ${wrong}`);
      return;
    }
  }

  async function cancelUntil(asker: Asker, id: string, asked: Promise<unknown>): Promise<void> {
    let hasEnded = false;
    void asked.then(() => (hasEnded = true));
    while (!hasEnded && !signal.aborted) {
      await pass(30);
      asker.send({ type: "cancel", request_id: id });
    }
  }

  const stopped = until(signal);
  const lanes = askers.map(async (asker) => {
    while (!isOver && !signal.aborted) {
      await askOnce(asker, KINDS[Math.floor(random() * KINDS.length)]!);
      if (pauseMs !== undefined) await Promise.race([pass(random() * pauseMs), stopped]);
    }
  });

  return {
    get ended() {
      return endings.size;
    },
    endedOf: (action) => Array.from(endings.values()).filter((told) => told.action === action).length,
    refusals,
    quarantined,
    async stop() {
      isOver = true;
      await Promise.all(lanes);
    },
    async verdict(terms) {
      const told = askers.flatMap(({ tape }) => judge(tape, terms)).map(({ fault, id, text }) => `${fault}: ${id}: ${text}`);
      return [...broken, ...told, ...(await storedOtherwise({ url, token, endings: stillKept(endings, retentionMs), signal }))];
    },
    cutOne: () => askers[Math.floor(random() * askers.length)]!.cut(),
    close() {
      for (const asker of askers) asker.close();
    },
  };
}

const isQuarantine = ({ message }: Ending): boolean => message.type === "error" && message.error.message.includes("died 3 times");

async function judgeEnding(
  kind: Kind,
  { n, ending, signal }: { readonly n: number; readonly ending: Ending; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { how, message } = ending;
  if (message.type === "complete") return kind.check(n, message.result, signal);
  if (message.type === "response")
    return message.success ? kind.check(n, message.data, signal) : `it was answered with ${message.error?.code}`;
  if (message.type !== "error") return `it ended as ${how}`;
  const { code, message: text } = message.error;
  return kind.action === "torture.endless" && code === "CANCELLED" ? undefined : `it failed with ${code}: ${text}`;
}

function stillKept(endings: ReadonlyMap<string, Told>, retentionMs: number): ReadonlyMap<string, Told> {
  // Half of it is left for the asking.
  const since = performance.now() - retentionMs / 2;
  return new Map(Array.from(endings).filter(([, { at }]) => at >= since));
}

/** Asks, as somebody new, how each request ended. */
async function storedOtherwise(terms: Pick<LoadTerms, "url" | "token" | "signal"> & { readonly endings: ReadonlyMap<string, Told> }) {
  const { endings, signal } = terms;
  const reader = createAsker(terms);
  const expected = { completed: "COMPLETED", failed: "CANCELLED" } as const;
  /** Large results one after another are more than the rate of bytes allows: that refusal says when to go on. */
  const ask = async (id: string) => {
    for (let tries = 1; ; tries += 1) {
      const ref = `${id}#${tries}`;
      const from = reader.tape.length;
      reader.send({ type: "get", request_id: id, ref });
      const answer = () =>
        reader.tape
          .slice(from)
          .flatMap((entry) => (entry.what === "heard" && "ref" in entry.message && entry.message.ref === ref ? [entry.message] : []))[0];
      while (!answer() && !signal.aborted) await pass(1);
      const message = answer();
      const isForNow = message?.type === "error" && message.error.code === "RATE_LIMITED";
      if (!isForNow || signal.aborted) return message;
      await pass(message.error.retry?.after_ms ?? 100);
    }
  };
  const differences: string[] = [];
  for (const [id, { how }] of endings) {
    if (how !== "completed" && how !== "failed") continue;
    await Promise.race([reader.ready, until(signal)]);
    const message = await ask(id);
    if (signal.aborted) break;
    const status = message?.type === "snapshot" ? message.status : message?.type;
    if (status !== expected[how]) differences.push(`lost: ${id}: its client was told it ${how}, and the server says ${status}`);
  }
  reader.close();
  return differences;
}
