/**
 * What runs, as the handlers themselves see it: no run of a key that is durable already or has ended (P4), none of an
 * attempt that the store never gave (P3), no more at once than there are slots (P14).
 */
import { requestKey, type HandlerContext, type Health, type RequestKey } from "@streamer/core";
import { isTerminal } from "@streamer/protocol";
import type { Contents, Process } from "../engine.ts";
import type { RunWatch } from "../handlers.ts";
import type { Plan } from "../plan.ts";
import type { Report } from "./findings.ts";

interface SeenRun {
  readonly process: Process;
  readonly attempt: number;
  /** It was stored when it began: it has its lease for certain. */
  readonly isClaimed: boolean;
  /** Virtual ms. */
  endedAt: number | undefined;
  succeeded: boolean;
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

export interface Runs extends RunWatch {
  readonly running: number;
  /** Its handler runs in a process that lives. */
  isRunning(key: RequestKey, attempt: number): boolean;
}

export function createRunWatch({ contents, health, plan, report, tell, now }: RunsParts): Runs {
  const seen = new Map<RequestKey, SeenRun[]>();
  const { inlineSlots = 64 } = plan.options;
  let running: SeenRun[] = [];

  function checkBeginning(key: RequestKey, { attempt, process }: SeenRun, earlier: readonly SeenRun[]): void {
    const stored = contents().read(key);
    if (stored && attempt > stored.attempt)
      report("P4", `${key} is ${stored.status} at attempt ${stored.attempt}, and a run of attempt ${attempt} begins`);
    // Forgotten after its retention it may be asked for anew.
    if (plan.features.has("short-retention")) return;
    const same = earlier.filter((one) => one.attempt === attempt);
    const [last] = same.toReversed();
    if (!last) return;
    if (stored && isTerminal(stored.status)) report("P4", `${key} is ${stored.status}, and attempt ${attempt} is begun again`);
    if (last.process !== process || !process.isAlive) return;
    if (last.endedAt === undefined) report("P4", `${key} runs already, and attempt ${attempt} is begun again in ${process.name}`);
    else if (last.succeeded && now() - last.endedAt < REMEMBERED_MS)
      report("P4", `${key} was answered ${Math.round(now() - last.endedAt)} ms ago, and is run again in ${process.name}`);
  }

  return {
    get running() {
      return running.filter(({ process }) => process.isAlive).length;
    },
    isRunning: (key, attempt) =>
      (seen.get(key) ?? []).some((run) => run.attempt === attempt && run.isClaimed && run.process.isAlive && run.endedAt === undefined),
    began(process: Process, _script, { request }: HandlerContext) {
      const key = requestKey(request, request.id);
      const run: SeenRun = {
        process,
        attempt: request.attempt,
        isClaimed: contents().read(key) !== undefined,
        endedAt: undefined,
        succeeded: false,
      };
      const earlier = seen.get(key) ?? [];
      tell(process.name, `runs ${key}, attempt ${request.attempt}`);
      checkBeginning(key, run, earlier);
      seen.set(key, [...earlier, run]);
      running = [...running.filter((one) => one.process.isAlive), run];
      const abandoned = health()?.abandonedRuns;
      if (abandoned !== undefined && running.length - abandoned > inlineSlots)
        report("P14", `${running.length} handlers run in ${process.name}, ${abandoned} of them given up on; it has ${inlineSlots} slots`);
      return {
        ended: (succeeded) => {
          tell(process.name, `has run ${key}, attempt ${request.attempt}${succeeded ? "" : ": it threw"}`);
          run.endedAt = now();
          run.succeeded = succeeded;
          running = running.filter((one) => one !== run);
        },
      };
    },
  };
}
