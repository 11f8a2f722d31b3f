/**
 * Ends that nobody is known to have told: told now to whoever still follows, who are then let go. One that cannot be told
 * yet (its teller may be at it, a store that refuses) is looked at again by a later sweep, and holds up none of the others.
 */
import { asError, type RequestKey } from "@streamer/core";
import type { Runtime } from "./runtime.ts";

export async function tellEnds({ engine, streamer, log }: Omit<Runtime, "invoke" | "metrics">, keys: readonly RequestKey[]): Promise<void> {
  const { requests, subscriptions } = engine;
  let failed = 0;

  async function attempt(key: RequestKey, step: () => Promise<void>): Promise<void> {
    await step().catch((error: unknown) => {
      failed += 1;
      log.error({ key, err: asError(error) }, "an end could not be told yet");
    });
  }

  for (const key of keys) await attempt(key, () => streamer.catchUp(key));
  // Says how far each follower was told: only then can those who were told all be let go.
  if (keys.length > 0) await streamer.handOver();
  for (const key of keys) {
    await attempt(key, async () => {
      const { left } = await subscriptions.endFollowing(key);
      await (left === 0 ? requests.markTold(key, "of others too") : requests.lookLater(key));
    });
  }
  if (failed > 0) throw new Error(`${failed} of ${keys.length} ends could not be told.`);
}
