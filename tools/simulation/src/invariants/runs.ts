/**
 * What runs, as the handlers themselves see it: no run of a key that is durable already or has ended (P4), none of an
 * attempt that the store never gave (P3), none before its time (P9), no more at once than there are slots (P14); and what
 * the flow has confirmed to a handler is stored.
 */
import { isRetryAfter, requestKey, type HandlerContext, type Health, type RequestKey } from "@streamer/core";
import { isTerminal } from "@streamer/protocol";
import type { Contents, Process, StoredRequest } from "../engine.ts";
import type { RunWatch } from "../handlers.ts";
import type { Feature, Plan } from "../plan.ts";
import type { Script } from "../script.ts";
import type { Report } from "./findings.ts";

interface Noted {
  readonly process: Process;
  readonly attempt: number;
  readonly requestId: string;
  /** It was stored when it began: it has its lease for certain. */
  readonly isClaimed: boolean;
  readonly beganAt: number;
  /** Virtual ms. */
  endedAt: number | undefined;
  succeeded: boolean;
  /** It succeeded with what can be stored. */
  hasResult: boolean;
  /** Virtual ms: it asked not to be tried again before. */
  notBefore: number;
  /** The step that its newest confirmed checkpoint goes on from. */
  checkpoint: number;
}

export interface RunsParts {
  readonly contents: () => Contents;
  readonly health: () => Health | undefined;
  readonly plan: Plan;
  readonly report: Report;
  readonly tell: (who: string, what: string) => void;
  readonly now: () => number;
}

/** How long an answer is remembered at least (protocol §5.3). */
const REMEMBERED_MS = 60_000;
/** Of action "once", with the tick that looks after runs. */
const LONGEST_ONCE_MS = 3_000 + 300;
/** How a handler ends whose success can be stored. */
const STORABLE: ReadonlySet<string> = new Set(["value", "undefined"]);

export interface Runs extends RunWatch {
  readonly running: number;
  /** The process lives that has, or had, that attempt under its lease. */
  isAlive(key: RequestKey, attempt: number): boolean;
}

export function createRunWatch({ contents, health, plan, report, tell, now }: RunsParts): Runs {
  const seen = new Map<RequestKey, Noted[]>();
  /** Request ids by user and idempotency key. */
  const byIdempotencyKey = new Map<string, string>();
  const { inlineSlots = 64 } = plan.options;
  const has = (...features: readonly Feature[]): boolean => features.some((feature) => plan.features.has(feature));
  let running: Noted[] = [];

  /** What was there before, under the same key (P4). */
  function checkSame(key: RequestKey, { attempt, process }: Noted, earlier: readonly Noted[]): void {
    const stored = contents().read(key);
    if (stored && attempt > stored.attempt)
      report("P4", `${key} is ${stored.status} at attempt ${stored.attempt}, and a run of attempt ${attempt} begins`);
    // Forgotten after its retention it may be asked for anew.
    if (has("short-retention")) return;
    const last = earlier.findLast((one) => one.attempt === attempt);
    if (!last) return;
    if (stored && isTerminal(stored.status)) report("P4", `${key} is ${stored.status}, and attempt ${attempt} is begun again`);
    if (last.process !== process || !process.isAlive) return;
    if (last.endedAt === undefined) report("P4", `${key} runs already, and attempt ${attempt} is begun again in ${process.name}`);
    else if (last.succeeded && now() - last.endedAt < REMEMBERED_MS)
      report("P4", `${key} was answered ${Math.round(now() - last.endedAt)} ms ago, and is run again in ${process.name}`);
  }

  function checkKey({ who, id }: Script, requestId: string): void {
    if (!id.startsWith("key-") || has("short-retention")) return;
    const first = byIdempotencyKey.get(`${who} ${id}`);
    byIdempotencyKey.set(`${who} ${id}`, requestId);
    if (first !== undefined && first !== requestId)
      report("P4", `idempotency key ${id} of ${who} was that of request ${first}, and ${requestId} runs`);
  }

  /** What the attempts before it were, in a process that lives (P2, P9). */
  function checkEarlier(key: RequestKey, { attempt }: Noted, earlier: readonly Noted[]): void {
    if (has("redrives", "short-retention")) return;
    for (const one of earlier) {
      if (one.attempt >= attempt || !one.process.isAlive) continue;
      if (one.hasResult) report("P2", `attempt ${one.attempt} of ${key} had a result, and attempt ${attempt} begins`);
      if (one.notBefore - now() > 1)
        report(
          "P9",
          `attempt ${attempt} of ${key} begins ${Math.round(one.notBefore - now())} ms before the time that its handler asked for`,
        );
    }
  }

  function checkTime(key: RequestKey, { process }: Noted, stored: StoredRequest | undefined): void {
    const newest = stored?.events.findLast(({ text }) => /^\{"type":"(retrying|acknowledgment)"/.test(text));
    if (!newest || has("wall-jumps")) return;
    const { retry_at: retryAt = 0 } = JSON.parse(newest.text) as { readonly retry_at?: number };
    if (retryAt > process.clock.now()) report("P9", `${key} runs ${retryAt - process.clock.now()} ms before it was to be tried again`);
  }

  function checkSlots(process: Process): void {
    const abandoned = health()?.abandonedRuns;
    if (abandoned !== undefined && running.length - abandoned > inlineSlots)
      report("P14", `${running.length} handlers run in ${process.name}, ${abandoned} of them given up on; it has ${inlineSlots} slots`);
  }

  return {
    get running() {
      return running.filter(({ process }) => process.isAlive).length;
    },
    isAlive: (key, attempt) => (seen.get(key) ?? []).some((run) => run.attempt === attempt && run.isClaimed && run.process.isAlive),
    began(process: Process, script: Script, ctx: HandlerContext) {
      const { request, resumed } = ctx;
      const key = requestKey(request, request.id);
      const stored = contents().read(key);
      const run: Noted = {
        process,
        attempt: request.attempt,
        requestId: request.id,
        isClaimed: stored !== undefined,
        beganAt: now(),
        endedAt: undefined,
        succeeded: false,
        hasResult: false,
        notBefore: 0,
        checkpoint: 0,
      };
      const earlier = seen.get(key) ?? [];
      tell(process.name, `runs ${key}, attempt ${request.attempt}`);
      if (request.action === "forbidden") report("P10", `${key} runs, and its user may not call "${request.action}"`);
      checkSame(key, run, earlier);
      checkKey(script, request.id);
      checkEarlier(key, run, earlier);
      checkTime(key, run, stored);
      const checkpoint = has("short-retention") ? 0 : Math.max(0, ...earlier.map((one) => one.checkpoint));
      const from = (resumed as { readonly step: number } | undefined)?.step ?? 0;
      if (from < checkpoint) report("P5", `attempt ${request.attempt} of ${key} goes on from step ${from}, and ${checkpoint} was stored`);
      seen.set(key, [...earlier, run]);
      running = [...running.filter((one) => one.process.isAlive), run];
      checkSlots(process);
      return {
        said: (step, at) => {
          if (step.do === "checkpoint") run.checkpoint = at + 1;
          if (step.do !== "partial") return;
          const events = contents().read(key)?.events ?? [];
          if (!events.some(({ text }) => text.startsWith('{"type":"partial"') && text.includes(`"at":${at}}`)))
            report("P5", `step ${at} of ${key} was confirmed, and is not stored`);
        },
        ended: (succeeded, error) => {
          tell(process.name, `has run ${key}, attempt ${request.attempt}${succeeded ? "" : ": it threw"}`);
          run.endedAt = now();
          run.succeeded = succeeded;
          // What comes after it was told to stop, or given up on, is not asked for any more.
          run.hasResult = succeeded && STORABLE.has(script.end) && !ctx.signal.aborted;
          if (isRetryAfter(error) && !ctx.signal.aborted) run.notBefore = now() + (error.afterMs ?? 0);
          const isLong = request.action === "once" && now() - run.beganAt > LONGEST_ONCE_MS && !has("pauses");
          if (isLong && !ctx.signal.aborted)
            report("P9", `attempt ${run.attempt} of ${key} ran for ${Math.round(now() - run.beganAt)} ms, and was not told to stop`);
          running = running.filter((one) => one !== run);
        },
      };
    },
  };
}
