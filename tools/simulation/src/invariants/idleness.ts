/**
 * Nothing that is due lies about while nothing runs (P2, P9). Engines look again now and then, whatever was forgotten: who
 * waits only until then has been forgotten all the same. Looked for once the world has healed, where all runs are in one
 * process.
 */
import type { Deployment } from "../engine.ts";
import type { Plan } from "../plan.ts";
import type { Report } from "./findings.ts";

export interface IdlenessParts {
  readonly contents: () => Deployment;
  readonly runs: { readonly running: number };
  readonly plan: Plan;
  readonly report: Report;
  readonly wallNow: () => number;
  /** Virtual ms. */
  readonly now: () => number;
}

/** A loop that the store has refused for a while pauses for 30 s at most. Far less than the minute after which an engine looks again. */
const MOST_IDLE_MS = 35_000;
const LOOK_EVERY_MS = 1_000;
/** With these it may be right to wait: for a clock, for a process that stands still, for a slot that a handler keeps. */
const EXPLAINED_BY = ["wall-jumps", "pauses", "deaf-handlers"] as const;

/** To be called after each step. */
export function createIdlenessWatch({ contents, runs, plan, report, wallNow, now }: IdlenessParts): () => void {
  const isWatched = plan.engine !== "aws" && !EXPLAINED_BY.some((feature) => plan.features.has(feature));
  let lookedAt = -Infinity;
  let idleSince: number | undefined;
  return () => {
    if (!isWatched) return;
    if (runs.running > 0) idleSince = undefined;
    if (runs.running > 0 || now() - lookedAt < LOOK_EVERY_MS) return;
    lookedAt = now();
    const due = contents()
      .all()
      .find(({ status, runAt }) => (status === "PENDING" || status === "RETRYING") && runAt <= wallNow());
    if (!due) idleSince = undefined;
    else if (now() - (idleSince ??= now()) > MOST_IDLE_MS) report("P2", `${due.key} is due, and nothing runs for ${MOST_IDLE_MS} ms`);
  };
}
