/**
 * Fair shares as the store shows them (P15): while somebody's request could run, nobody else has several claimed before it
 * (core/rules/fair-shares.ts, F2 and F3), neither another tenant, nor another user of the same tenant. Looked at where one
 * process makes all claims, each of which is one contest: on AWS a claim by key is contested by nobody.
 */
import { isTerminal, type RequestStatus } from "@streamer/protocol";
import type { StoredRequest } from "../engine.ts";
import type { Plan } from "../plan.ts";
import type { Report } from "./findings.ts";

export interface FairnessParts {
  readonly plan: Plan;
  readonly report: Report;
  readonly wallNow: () => number;
  /** All that is stored, as of the last write. */
  readonly all: () => Iterable<StoredRequest>;
}

export interface Fairness {
  /** It waited, and was claimed by the write of just now. */
  claimed(request: StoredRequest): void;
  /** After each step: claims of one step are one claim of several slots, in no order. */
  look(): void;
  /** A process that has died has forgotten whose turn it was. */
  forget(): void;
}

/** One turn of each other share, and one that was under way. */
const MOST_PASSED = 2;
/** It begins while no other such request does (P3). */
const SUSPECT_CRASHES = 2;

/** A contest, and who is in it for a request. */
interface Contest {
  readonly name: string;
  readonly share: string;
}
const contestsOf = ({ owner: { tenantId, userId } }: StoredRequest): readonly Contest[] => [
  { name: "tenants", share: tenantId },
  { name: `users of ${tenantId}`, share: userId },
];

export function createFairness({ plan, report, wallNow, all }: FairnessParts): Fairness {
  // A clock that is set makes others due.
  const isWatched = plan.engine !== "aws" && !plan.features.has("wall-jumps");
  let claims: StoredRequest[] = [];
  /** Who waits in a contest, and how often each other was served since. */
  let waiting = new Map<string, Map<string, Map<string, number>>>();

  /** Nothing but its turn keeps it from running. */
  const isReady = ({ status, runAt, action, crashes }: StoredRequest): boolean =>
    !isTerminal(status) &&
    status !== ("PROCESSING" satisfies RequestStatus) &&
    runAt <= wallNow() &&
    action !== "limited" &&
    crashes < SUSPECT_CRASHES;

  function ready(): Map<string, Set<string>> {
    const shares = new Map<string, Set<string>>();
    for (const request of all()) {
      if (!isReady(request)) continue;
      for (const { name, share } of contestsOf(request)) shares.set(name, (shares.get(name) ?? new Set()).add(share));
    }
    return shares;
  }

  function pass(name: string, share: string, passed: Map<string, number>): void {
    for (const request of claims) {
      const other = contestsOf(request).find((contest) => contest.name === name)?.share;
      if (other === undefined) continue;
      passed.set(other, (passed.get(other) ?? 0) + 1);
      if (passed.get(other)! > MOST_PASSED)
        report(
          "P15",
          `${other} was served ${passed.get(other)} times among the ${name} while ${share} waited, the last time with ${request.key}`,
        );
    }
  }

  return {
    claimed: (request) => void (isWatched && claims.push(request)),
    look() {
      if (!isWatched) return;
      const next: typeof waiting = new Map();
      for (const [name, shares] of ready()) {
        const served = new Set(
          claims.flatMap((request) => contestsOf(request).flatMap((contest) => (contest.name === name ? [contest.share] : []))),
        );
        const passedIn = new Map<string, Map<string, number>>();
        for (const share of shares) {
          const passed = served.has(share) ? undefined : waiting.get(name)?.get(share);
          if (passed) pass(name, share, passed);
          passedIn.set(share, passed ?? new Map());
        }
        next.set(name, passedIn);
      }
      waiting = next;
      claims = [];
    },
    forget: () => {
      waiting = new Map();
      claims = [];
    },
  };
}
