/**
 * Tells those who follow a waiting request why it does not run: another reason, or a place much nearer the front. The
 * store says what is news; what nobody follows is not written.
 */
import type { AnyHandler } from "../handler.ts";
import type { Engine } from "../ports/engine.ts";
import type { Frame } from "../ports/events.ts";
import type { EventBody, RequestKey, Wait } from "../ports/requests.ts";
import type { Quantiles } from "../rules/durations.ts";
import { wholeRun } from "../rules/estimates.ts";
import type { Estimates } from "./learn.ts";
import type { Slots } from "./runs/slots.ts";

export interface TellWaitsParts {
  readonly engine: Pick<Engine, "requests" | "subscriptions">;
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  readonly slots: Pick<Slots, "terms" | "ofAction">;
  readonly estimates: Pick<Estimates, "known">;
  readonly publish: (key: RequestKey, frames: readonly Frame[]) => Promise<void>;
}

/** Of these requests alone, if some are named. */
export type TellWaits = (keys?: readonly RequestKey[]) => Promise<void>;

export function createTellWaits({ engine, handlers, slots, estimates, publish }: TellWaitsParts): TellWaits {
  const { requests, subscriptions } = engine;

  function expected(action: string, size: number): Quantiles | undefined {
    // Not by a function of the input: that would be read and validated again for every place in line.
    const estimate = handlers.get(action)?.estimate;
    return estimates.known({ action, size, declaredMs: typeof estimate === "number" ? estimate : undefined });
  }

  async function tell({ key, action, size, reason, position }: Wait): Promise<void> {
    if (!(await subscriptions.isFollowed(key))) return;
    const quantiles = expected(action, size);
    const event: EventBody & { readonly type: "waiting" } = {
      type: "waiting",
      reason,
      ...(position !== undefined && {
        position,
        ...(quantiles && { eta: wholeRun(quantiles, { position, slots: slots.ofAction(action) }) }),
      }),
    };
    const written = await requests.wait(key, event);
    if (written.outcome === "written") await publish(key, written.frames);
  }

  return async (keys) => {
    const news = await requests.waits({ ...slots.terms, ...(keys && { keys }) });
    await Promise.all(news.map(tell));
  };
}
