/** What runs took outlives the process, by action and size, whoever adds at the same time; and requests go by it. */
import { appendDurations, defineHandler, noDurations, type Durations } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline, type FlowClient } from "../flow/pipeline.ts";

/** Runs of a time each: bins of the sketch are of no interest here. */
const runs = (bin: number, count: number): Durations => ({ count, weight: 1, bins: new Map([[bin, count]]) });
const counts = (all: ReadonlyMap<number, Durations>) => Object.fromEntries(Array.from(all, ([size, { count }]) => [size, count]));

export function runTimesContract(test: ContractTest): void {
  test("run times are kept by action and size, and survive a restart", async (harness) => {
    expect(await harness.engine.runTimes.of("work")).toEqual(new Map());
    await harness.engine.runTimes.add("work", new Map([[3, runs(40, 5)]]));
    await harness.engine.runTimes.add(
      "work",
      new Map([
        [3, runs(50, 2)],
        [9, runs(60, 1)],
      ]),
    );
    await harness.engine.runTimes.add("other", new Map([[3, runs(70, 4)]]));
    await harness.restart();
    const stored = await harness.engine.runTimes.of("work");
    expect(counts(stored)).toEqual({ 3: 7, 9: 1 });
    const expected = noDurations();
    appendDurations(expected, runs(40, 5));
    appendDurations(expected, runs(50, 2));
    for (const [bin, weight] of expected.bins) expect(stored.get(3)!.bins.get(bin)).toBeCloseTo(weight, 2);
    expect(counts(await harness.engine.runTimes.of("other"))).toEqual({ 3: 4 });
  });

  test("run times that are added at once are all there", async ({ engine }) => {
    await Promise.all(
      [2, 3, 4].map((size) =>
        engine.runTimes.add(
          "work",
          new Map([
            [size, runs(40, 1)],
            [1, runs(40, 1)],
          ]),
        ),
      ),
    );
    expect(counts(await engine.runTimes.of("work"))).toEqual({ 1: 3, 2: 1, 3: 1, 4: 1 });
  });

  /** A handler that declares nothing and takes as long as its payload says. */
  const start = (harness: Harness, more: { readonly estimate?: number } = {}) => {
    const work = defineHandler({
      action: "work",
      input: anything,
      ...more,
      run: async (input) => {
        await new Promise<void>((resolve) => void harness.clock.after((input as { ms: number }).ms, resolve));
      },
    });
    return startPipeline({ harness, handlers: [work] });
  };
  const ask = (client: FlowClient, id: string, ms: number, text = ""): Promise<void> =>
    client.send({ type: "request", id, action: "work", payload: { ms, text } });
  const isOver = (client: FlowClient, id: string) => () =>
    client.received.some((message) => (message.type === "complete" || message.type === "response") && message.request_id === id);

  test("what is short is learned to be answered at once, and what is long to be queued, by the size of the input", async (harness) => {
    const first = await start(harness);
    const client = await first.connect();
    for (let n = 0; n < 5; n += 1) {
      await ask(client, `short${n}`, 200);
      await first.until("done", isOver(client, `short${n}`));
      await ask(client, `long${n}`, 8_000, "x".repeat(5_000));
      await first.until("done", isOver(client, `long${n}`));
    }
    await first.streamer.stop(0);
    await harness.restart();
    const second = await start(harness);
    const later = await second.connect();
    void ask(later, "short", 200);
    await second.until("answered", isOver(later, "short"));
    expect(later.last("response")).toMatchObject({ request_id: "short", success: true });
    await ask(later, "long", 8_000, "x".repeat(5_000));
    const { estimated_ms: estimatedMs, eta } = later.last("acknowledgment")!;
    expect(Math.abs(estimatedMs! / 8_000 - 1)).toBeLessThan(0.06);
    expect(eta!.p90_ms).toBeGreaterThanOrEqual(estimatedMs!);
    await second.until("done", isOver(later, "long"));
  });

  test("what is declared as short is queued once runs take long, and a promoted run counts from its beginning", async (harness) => {
    const { connect, until } = await start(harness, { estimate: 10 });
    const client = await connect();
    for (let n = 0; n < 5; n += 1) {
      void ask(client, `r${n}`, 9_000);
      await until("promoted", () => client.last("acknowledgment")?.request_id === `r${n}`);
      expect(client.last("acknowledgment")).toMatchObject({ status: "processing" });
      await until("done", isOver(client, `r${n}`));
      expect(client.last("complete")!.metadata.run_ms).toBeGreaterThanOrEqual(9_000);
    }
    await ask(client, "queued", 9_000);
    const { timestamp, estimated_ms: estimatedMs } = client.last("acknowledgment")!;
    expect(Math.abs(estimatedMs! / 9_000 - 1)).toBeLessThan(0.06);
    expect(timestamp).toBe(harness.clock.now());
    await until("done", isOver(client, "queued"));
  });
}
