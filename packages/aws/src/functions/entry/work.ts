/**
 * Runs the request it is asked to, then the best of what waits, while there is time: a slot that has become free is the
 * moment for a request that had to wait for one. A run that would outlive the function checkpoints and goes on in another
 * invocation; one that saves no checkpoint has used up its time.
 */
import type { Context } from "aws-lambda";
import { once, type AnyHandler } from "@streamer/core";
import { syncDataFolder } from "../../s3/data-folder.ts";
import type { WorkEvent } from "../invoke-work.ts";
import { createRuntime, type Runtime } from "../runtime.ts";
import { readEnvironment } from "../settings.ts";

const TERMS = { handBackMs: 30_000, graceMs: 15_000, requireCheckpoint: true } as const;
/** With less time than this left a new run is better begun in a function that has all of it. */
const ENOUGH_TIME_SHARE = 0.5;

export function createWork({ streamer, invoke }: Pick<Runtime, "streamer" | "invoke">, prepare: () => Promise<void> = async () => {}) {
  const ready = once(prepare);
  return ({ key }: WorkEvent, context: Context): Promise<void> =>
    invoke(context, TERMS, async () => {
      await ready();
      const enoughMs = context.getRemainingTimeInMillis() * ENOUGH_TIME_SHARE;
      let { claimed, ended } = await streamer.work(key);
      while (claimed > 0) {
        await ended;
        if (context.getRemainingTimeInMillis() < enoughMs) return;
        // Who follows what it ran waits for nobody but whoever runs that next.
        await streamer.handOver();
        ({ claimed, ended } = await streamer.work());
      }
    });
}

export function createHandler(handlers: readonly AnyHandler[]) {
  const runtime = createRuntime(handlers, readEnvironment(process.env), { takesQueued: true, inlineSlots: 1 });
  return createWork(runtime, () => syncDataFolder(process.env));
}
