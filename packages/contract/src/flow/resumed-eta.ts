/** When a run will be done is told from what its attempt has made itself: what came before a checkpoint is not its pace. */
import { defineHandler, RetryAfter } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline } from "./pipeline.ts";

const STEP_MS = 10_000;

export function resumedEtaContract(test: ContractTest): void {
  /** Saves itself at 80 % and fails, then goes on with 5 % every 10 s: a run of which nobody has recorded any. */
  const start = async (harness: Harness) => {
    const step = (): Promise<void> => new Promise((resolve) => void harness.clock.after(STEP_MS, resolve));
    const work = defineHandler({
      action: "work",
      input: anything,
      retry: { maxAttempts: 3, baseMs: 1, capMs: 1 },
      run: async (_, ctx) => {
        const from = typeof ctx.resumed === "number" ? ctx.resumed : 0;
        if (from === 0) {
          ctx.report(80, "most of it");
          await ctx.checkpoint(80);
          throw new RetryAfter(1);
        }
        for (let percentage = from; percentage <= 100; percentage += 5) {
          ctx.report(percentage, "on", { stage: `at ${percentage}` });
          await step();
        }
      },
    });
    const pipeline = await startPipeline({ harness, handlers: [work] });
    return { ...pipeline, client: await pipeline.connect() };
  };

  test("after a checkpoint the time left follows the pace of this attempt", async (harness) => {
    const { client, until } = await start(harness);
    await client.send({ type: "request", id: "r", action: "work", payload: {}, options: { mode: "async" } });
    const told = new Map<number, number | undefined>();
    await until("done", () => {
      const progress = client.last("progress");
      if (progress?.attempt === 2) told.set(progress.percentage, progress.eta?.p50_ms);
      return client.last("complete") !== undefined;
    });
    // At 80 % nothing of this attempt is known yet, and nothing is made up.
    expect(told.get(80)).toBeUndefined();
    for (const [percentage, steps] of [
      [85, 3],
      [90, 2],
      [95, 1],
    ] as const) {
      expect(Math.abs(told.get(percentage)! - steps * STEP_MS)).toBeLessThan(0.05 * STEP_MS * steps);
    }
  });
}
