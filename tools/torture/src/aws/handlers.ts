/** What the stack under torture runs: small handlers, one for each thing a request can do that a fault may break. */
import { setTimeout as wait } from "node:timers/promises";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { defineHandler, type AnyHandler, type HandlerContext } from "@streamer/core";
import type { JsonValue } from "@streamer/protocol";

/** Long enough to be queued. */
const LONG_MS = 60_000;
const STEP_MS = 60;
/** An outage of the store may fail an attempt: it must not use them up. */
const retry = { maxAttempts: 30, baseMs: 100, capMs: 400 } as const;

interface Input {
  readonly n: number;
  readonly steps?: number;
}
const input: StandardSchemaV1<Input, Input> = {
  "~standard": { version: 1, vendor: "streamer-torture", validate: (value) => ({ value: value as Input }) },
};
interface Saved {
  readonly next: number;
  /** The attempt that did each step. */
  readonly by: readonly number[];
}

export const ROWS = 12;
const LARGE_LENGTH = 200_000;
export const largeText = (n: number): string => `${n} `.repeat(LARGE_LENGTH).slice(0, LARGE_LENGTH);

const queued = (action: string, run: (asked: Input, ctx: HandlerContext) => Promise<JsonValue>): AnyHandler =>
  defineHandler({ action, input, estimate: LONG_MS, retry, run });

export const handlers: readonly AnyHandler[] = [
  defineHandler({ action: "quick", input, estimate: 0, run: ({ n }) => ({ n }) }),
  queued("steady", async ({ n, steps = 8 }, ctx) => {
    for (let step = 0; step < steps; step += 1) {
      ctx.report((100 * step) / steps, `step ${step}`);
      await wait(STEP_MS, undefined, { signal: ctx.signal });
    }
    return { n };
  }),
  queued("chatty", async ({ n }, ctx) => {
    for (let step = 0; step < 200; step += 1) {
      ctx.report(step / 2, `step ${step}`, { step });
      if (step % 50 === 49) await wait(STEP_MS, undefined, { signal: ctx.signal });
    }
    return { n };
  }),
  queued("rows", async ({ n }, ctx) => {
    for (let row = 0; row < ROWS; row += 1) {
      await ctx.partial("rows", [ctx.request.attempt, row]);
      ctx.report((100 * row) / ROWS);
    }
    return { n };
  }),
  queued("saves", async ({ n }, ctx) => {
    let saved = (ctx.resumed as Saved | undefined) ?? { next: 0, by: [] };
    while (saved.next < 6) {
      await wait(STEP_MS, undefined, { signal: ctx.signal });
      saved = { next: saved.next + 1, by: [...saved.by, ctx.request.attempt] };
      await ctx.checkpoint(saved as unknown as JsonValue);
      ctx.report((100 * saved.next) / 6);
    }
    return { n, by: [...saved.by] };
  }),
  queued("flaky", async ({ n }, ctx) => {
    if (ctx.request.attempt < 3) throw new Error(`attempt ${ctx.request.attempt} fails, as it is asked to`);
    return { n };
  }),
  queued("held", async (_, ctx) => {
    ctx.report(1, "held");
    return new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error)));
  }),
  queued("large", async ({ n }) => ({ n, text: largeText(n) })),
];
