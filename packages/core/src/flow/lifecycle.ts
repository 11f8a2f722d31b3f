/**
 * The life of the process that runs the flow: what a start finds (recover), what is kept up (purge), and how it ends
 * (P13): refuse new work, let runs finish, tell the rest to stop, hand back what does not.
 */
import type { StreamerOptions } from "../options.ts";
import type { Engine } from "../ports/engine.ts";
import { blobPrefix } from "../rules/identity.ts";
import { cancelledError, quarantineError } from "../rules/outcome.ts";
import type { Deliver } from "./deliver/deliver.ts";
import type { Estimates } from "./learn.ts";
import type { Runs } from "./runs/runs.ts";

/** Requests forgotten at a time: a purge must not hold up the writes of others. */
const PURGE_BATCH = 500;
/** After the grace of a stop, what runs is told to stop and has this long to do so before it is handed back anyway. */
const STOP_GRACE_MS = 2_000;

export interface LifecycleParts {
  readonly engine: Pick<Engine, "requests" | "blobs" | "clock" | "log">;
  readonly options: StreamerOptions;
  readonly deliver: Deliver;
  readonly runs: Runs;
  readonly estimates: Estimates;
}

export interface Lifecycle {
  readonly isStopping: boolean;
  recover(): Promise<void>;
  purge(): Promise<number>;
  settled(): Promise<void>;
  stop(graceMs: number): Promise<void>;
}

export function createLifecycle({ engine, options, deliver, runs, estimates }: LifecycleParts): Lifecycle {
  const { requests, blobs, clock, log } = engine;
  let isStopping = false;

  async function settled(): Promise<void> {
    await runs.idle();
    await Promise.all([deliver.idle(), estimates.idle()]);
  }

  return {
    get isStopping() {
      return isStopping;
    },
    settled,
    async recover() {
      const recoveries = await requests.recover({
        isAlive: (lease) => runs.isAlive(lease),
        quarantineAfter: options.quarantineAfter,
        quarantined: [{ type: "error", error: quarantineError(options.quarantineAfter) }],
        cancelled: [
          { type: "cancellation", stage: "stopped" },
          { type: "error", error: cancelledError },
        ],
      });
      for (const { key, outcome, frames } of recoveries) {
        log.warn({ key, outcome }, "a request was taken back from a process that died");
        await (outcome === "returned" ? deliver.publish : deliver.publishLast)(key, frames);
      }
    },
    purge: () => requests.purge(PURGE_BATCH, (key) => blobs.removeAll(blobPrefix(key))),
    async stop(graceMs) {
      isStopping = true;
      runs.slots.close();
      const { promise: graceOver, resolve } = Promise.withResolvers<void>();
      const callOff = clock.after(graceMs, resolve);
      await Promise.race([settled(), graceOver]);
      callOff();
      await runs.stopAll(STOP_GRACE_MS);
      await estimates.save();
    },
  };
}
