/**
 * Nothing that is due lies about while a slot is free for it (P2, P9). Engines look again now and then, whatever was
 * forgotten: who waits only until then has been forgotten all the same. Looked for where all runs are in one process.
 */
import type { RequestKey } from "@streamer/core";
import type { Deployment, StoredRequest } from "../engine.ts";
import type { Feature, Plan } from "../plan.ts";
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
/** Where nothing of that has happened. */
const MOST_IDLE_CALM_MS = 3_000;
const STORMY: readonly Feature[] = ["refusals", "full-store", "slow-store", "slow-reads", "crashes", "deaths-in-calls", "renewals"];
const LOOK_EVERY_MS = 500;
/** With these it may be right to wait: for a clock, for a process that stands still, for a slot that a handler keeps. */
const EXPLAINED_BY: readonly Feature[] = ["wall-jumps", "pauses", "deaf-handlers"];
/** What has died with its process so often goes alone. */
const SUSPECT_CRASHES = 2;

export const isCalm = ({ features }: Plan): boolean => !STORMY.some((feature) => features.has(feature));

/** To be called after each step: of a calm world from its beginning, else from when it has healed. */
export function createIdlenessWatch({ contents, runs, plan, report, wallNow, now }: IdlenessParts): () => void {
  const isWatched = plan.engine !== "aws" && !EXPLAINED_BY.some((feature) => plan.features.has(feature));
  const { inlineSlots = 64 } = plan.options;
  const mostIdleMs = isCalm(plan) ? MOST_IDLE_CALM_MS : MOST_IDLE_MS;
  let lookedAt = -Infinity;
  let waitsSince = new Map<RequestKey, number>();
  return () => {
    if (!isWatched || now() - lookedAt < LOOK_EVERY_MS) return;
    lookedAt = now();
    const due =
      runs.running >= inlineSlots
        ? []
        : contents()
            .all()
            .filter((request) => isReady(request, wallNow()));
    waitsSince = new Map(due.map(({ key }) => [key, waitsSince.get(key) ?? now()]));
    for (const [key, since] of waitsSince) {
      if (now() - since > mostIdleMs) report("P2", `${key} is due and a slot is free, and it does not run for ${mostIdleMs} ms`);
    }
  };
}

/** Nothing but a slot is between it and its run. */
const isReady = ({ status, runAt, action, crashes }: StoredRequest, wallNow: number): boolean =>
  (status === "PENDING" || status === "RETRYING") && runAt <= wallNow && action !== "limited" && crashes < SUSPECT_CRASHES;
