/** What runs took outlives the process, by action and size, whoever adds at the same time; and requests go by it. */
import { appendDurations, defineHandler, Fatal, noDurations, type Durations, type RecordedSeries, type RunSeries } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "../flow/pipeline.ts";

/** Runs of a time each: bins of the sketch are of no interest here. */
const runs = (bin: number, count: number): Durations => ({ count, weight: 1, bins: new Map([[bin, count]]) });
const counts = (all: RecordedSeries) => Object.fromEntries(Array.from(all, ([name, { count }]) => [name, count]));

export function runTimesContract(test: ContractTest): void {
  test("run times are kept by action and series, and survive a restart", async (harness) => {
    expect(await harness.engine.runTimes.of("work")).toEqual(new Map());
    await harness.engine.runTimes.add("work", new Map<RunSeries, Durations>([["size_3", runs(40, 5)]]));
    await harness.engine.runTimes.add(
      "work",
      new Map<RunSeries, Durations>([
        ["size_3", runs(50, 2)],
        ["ratio_9", runs(60, 1)],
        ["within_p90", runs(0, 3)],
      ]),
    );
    await harness.engine.runTimes.add("other", new Map<RunSeries, Durations>([["size_3", runs(70, 4)]]));
    await harness.restart();
    const stored = await harness.engine.runTimes.of("work");
    expect(counts(stored)).toEqual({ size_3: 7, ratio_9: 1, within_p90: 3 });
    const expected = noDurations();
    appendDurations(expected, runs(40, 5));
    appendDurations(expected, runs(50, 2));
    for (const [bin, weight] of expected.bins) expect(stored.get("size_3")!.bins.get(bin)).toBeCloseTo(weight, 2);
    expect(counts(await harness.engine.runTimes.of("other"))).toEqual({ size_3: 4 });
  });

  test("run times that are added at once are all there", async ({ engine }) => {
    await Promise.all(
      (["size_2", "ratio_3", "size_4"] as const).map((name) =>
        engine.runTimes.add(
          "work",
          new Map<RunSeries, Durations>([
            [name, runs(40, 1)],
            ["size_1", runs(40, 1)],
          ]),
        ),
      ),
    );
    expect(counts(await engine.runTimes.of("work"))).toEqual({ size_1: 3, size_2: 1, ratio_3: 1, size_4: 1 });
  });

  /** A handler that declares nothing and takes as long as its payload says. */
  const start = (
    harness: Harness,
    more: { readonly estimate?: number | ((input: unknown) => number) } = {},
    options: PipelineParts["options"] = {},
  ) => {
    const work = defineHandler({
      action: "work",
      input: anything,
      ...more,
      run: async (input) => {
        await new Promise<void>((resolve) => void harness.clock.after((input as { ms: number }).ms, resolve));
      },
    });
    return startPipeline({ harness, handlers: [work], options });
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
    void ask(later, "long", 8_000, "x".repeat(5_000));
    await second.until("acknowledged", () => later.last("acknowledgment") !== undefined);
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

  test("runs that waited for a slot teach as much as those that found one", async (harness) => {
    const { connect, until } = await start(harness, {}, { inlineSlots: 1 });
    const client = await connect();
    const ids = Array.from({ length: 8 }, (_, n) => `r${n}`);
    for (const id of ids) await client.send({ type: "request", id, action: "work", payload: { ms: 4_000 }, options: { mode: "async" } });
    await until("done", () => ids.every((id) => isOver(client, id)()));
    await client.send({ type: "request", id: "next", action: "work", payload: { ms: 4_000 }, options: { mode: "async" } });
    expect(Math.abs(client.last("acknowledgment")!.estimated_ms! / 4_000 - 1)).toBeLessThan(0.06);
    await until("done", isOver(client, "next"));
  });

  test("a run that fails teaches nothing of what one takes", async (harness) => {
    const work = defineHandler({
      action: "work",
      input: anything,
      run: () => {
        throw new Fatal("no");
      },
    });
    const { connect, until } = await startPipeline({ harness, handlers: [work] });
    const client = await connect();
    for (let n = 0; n < 8; n += 1) {
      await client.send({ type: "request", id: `r${n}`, action: "work", options: { mode: "async" } });
      await until("failed", () => client.last("error")?.request_id === `r${n}`);
    }
    await client.send({ type: "request", id: "next", action: "work", options: { mode: "async" } });
    expect(client.last("acknowledgment")).toMatchObject({ request_id: "next" });
    expect(client.last("acknowledgment")).not.toHaveProperty("estimated_ms");
    await until("failed", () => client.last("error")?.request_id === "next");
  });

  const msOf = (input: unknown): number => (input as { ms: number }).ms;
  /** Runs of `ms`, one after another, each told to be queued. */
  const runEach = async ({ until }: Awaited<ReturnType<typeof start>>, client: FlowClient, all: readonly (readonly [string, number])[]) => {
    for (const [id, ms] of all) {
      await client.send({ type: "request", id, action: "work", payload: { ms }, options: { mode: "async" } });
      await until("done", isOver(client, id));
    }
  };
  const long = (count: number, ms: number) => Array.from({ length: count }, (_, n) => [`long${n}`, ms] as const);

  test("what an estimate by input says of one job, long jobs of the same size do not override", async (harness) => {
    const pipeline = await start(harness, { estimate: msOf });
    const client = await pipeline.connect();
    await runEach(pipeline, client, long(8, 8_600));
    void ask(client, "short", 1_000);
    await pipeline.until("answered", isOver(client, "short"));
    expect(client.last("response")).toMatchObject({ request_id: "short", success: true });
    await runEach(pipeline, client, [["queued", 1_000]]);
    const { estimated_ms: estimatedMs, eta } = client.last("acknowledgment")!;
    expect(Math.abs(estimatedMs! / 1_000 - 1)).toBeLessThan(0.1);
    expect(Math.abs(eta!.p90_ms / 1_000 - 1)).toBeLessThan(0.1);
  });

  test("by how much an estimate by input is off is learned, and survives a restart", async (harness) => {
    const half = (input: unknown): number => msOf(input) / 2;
    const first = await start(harness, { estimate: half });
    await runEach(first, await first.connect(), long(8, 8_000));
    await first.streamer.stop(0);
    await harness.restart();
    const second = await start(harness, { estimate: half });
    const client = await second.connect();
    await runEach(second, client, [["other", 16_000]]);
    // Now it has been read.
    await runEach(second, client, [["again", 2_000]]);
    expect(Math.abs(client.last("acknowledgment")!.estimated_ms! / 2_000 - 1)).toBeLessThan(0.1);
    // Declared as 3 s, known to take 6: too long to be answered at once.
    await ask(client, "declared-short", 6_000);
    expect(client.last("acknowledgment")).toMatchObject({ request_id: "declared-short" });
    await second.until("done", isOver(client, "declared-short"));
  });

  test("percentages tell time where a handler wants that, once runs have shown where theirs goes, and after a restart", async (harness) => {
    const steps = defineHandler({
      action: "work",
      input: anything,
      percentages: "time",
      // Nine tenths of the work are done in a tenth of the time.
      async run(_, ctx) {
        ctx.report(0, "quick");
        await new Promise<void>((resolve) => void harness.clock.after(1_000, resolve));
        ctx.report(90, "slow");
        await new Promise<void>((resolve) => void harness.clock.after(9_000, resolve));
      },
    });
    const first = await startPipeline({ harness, handlers: [steps] });
    const client = await first.connect();
    await runEach(first, client, long(6, 0));
    const slow = ({ received }: FlowClient) => received.findLast((message) => message.type === "progress" && message.percentage < 100);
    expect(slow(client)).toMatchObject({ message: "slow", percentage: expect.closeTo(10, 0) as number });
    await first.streamer.stop(0);
    await harness.restart();
    const second = await startPipeline({ harness, handlers: [steps] });
    const later = await second.connect();
    await runEach(second, later, [
      ["read", 0],
      ["known", 0],
    ]);
    const told = slow(later) as { readonly percentage: number; readonly eta?: { readonly p50_ms: number; readonly p90_ms: number } };
    expect(told.percentage).toBeCloseTo(10, 0);
    expect(Math.abs(told.eta!.p50_ms / 9_000 - 1)).toBeLessThan(0.1);
    expect(told.eta!.p90_ms).toBeGreaterThanOrEqual(told.eta!.p50_ms);
  });

  test("an estimate of nothing, or of no number, is learned past", async (harness) => {
    for (const said of [0, Number.NaN, -1, Infinity]) {
      const pipeline = await start(harness, { estimate: () => said });
      const client = await pipeline.connect();
      await runEach(
        pipeline,
        client,
        Array.from({ length: 8 }, (_, n) => [`${said}-${n}`, 4_000] as const),
      );
      await runEach(pipeline, client, [[`${said}-last`, 4_000]]);
      expect(Math.abs(client.last("acknowledgment")!.estimated_ms! / 4_000 - 1)).toBeLessThan(0.06);
      await pipeline.streamer.stop(0);
      await harness.restart();
    }
  });

  test("actions tell which share of the runs ended within the p90 told when they began, and a restart forgets none", async (harness) => {
    // What is promised is 1 s, whatever the run takes.
    const estimate = (): number => 1_000;
    const first = await start(harness, { estimate });
    const client = await first.connect();
    const told = async (of: FlowClient) => {
      await of.send({ type: "actions" });
      return of.last("actions")!.items[0]!.calibration;
    };
    expect(await told(client)).toBeUndefined();
    await runEach(first, client, [
      ["a", 900],
      ["b", 900],
      ["c", 1_500],
      ["d", 900],
    ]);
    const before = (await told(client))!;
    expect(before.runs).toBe(4);
    expect(Math.abs(before.within_p90 - 0.75)).toBeLessThan(0.02);
    await first.streamer.stop(0);
    await harness.restart();
    const second = await start(harness, { estimate });
    const later = await second.connect();
    expect(await told(later)).toEqual(before);
  });
}
