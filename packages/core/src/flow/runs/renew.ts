/**
 * Renews the lease of a request that was claimed and has not begun to run: its claim, or what had to be read for it, took
 * so long that another process may have taken it back. Runs that have begun renew theirs by what they say (report/).
 */
import { asError } from "../../errors.ts";
import type { StreamerOptions } from "../../options.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Claim } from "../../ports/requests.ts";
import type { Deliver } from "../deliver/deliver.ts";

export interface RenewParts {
  readonly engine: Pick<Engine, "requests" | "log">;
  readonly options: Pick<StreamerOptions, "leaseMs">;
  readonly deliver: Pick<Deliver, "publish">;
}

/** The claim as it stands now; undefined when its lease is another's. Never rejects. */
export type Renew = (claim: Claim) => Promise<Claim | undefined>;

export function createRenew({ engine: { requests, log }, options, deliver }: RenewParts): Renew {
  return async (claim) => {
    const about = { request_id: claim.requestId, attempt: claim.lease.attempt };
    try {
      const advanced = await requests.advance(claim.lease, { events: [], leaseMs: options.leaseMs });
      if (advanced.outcome === "lost") {
        log.warn(about, "the lease was lost before its run began; whoever holds it now goes on");
        return undefined;
      }
      await deliver.publish(claim.lease.key, advanced.frames);
      return { ...claim, cancelRequested: advanced.cancelRequested };
    } catch (error) {
      // What the run says renews it, or learns that it is lost.
      log.warn({ ...about, err: asError(error) }, "a lease could not be renewed before its run began; it begins all the same");
      return claim;
    }
  };
}
