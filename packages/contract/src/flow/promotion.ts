/** A sync run that overruns becomes a durable request where it runs: acknowledged, followed, stored, and begun once. */
import { expect } from "vitest";
import { defineHandler, type AnyHandler, type HandlerContext } from "@streamer/core";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";
import { record, submission } from "../samples.ts";

const THRESHOLD_MS = 5_000;

export function promotionContract(test: ContractTest): void {
  const start = async (harness: Harness, more: Partial<AnyHandler> = {}, parts: Partial<PipelineParts> = {}) => {
    const opened = Promise.withResolvers<void>();
    const runs: HandlerContext[] = [];
    const work = defineHandler({
      action: "work",
      input: anything,
      estimate: 1,
      ...more,
      run: async (_, ctx) => {
        runs.push(ctx);
        ctx.report(10, "begun", { stage: "first" });
        await Promise.race([
          opened.promise,
          new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
        ]);
        return { run: runs.length };
      },
    });
    return { ...(await startPipeline({ harness, handlers: [work], ...parts })), runs, open: opened.resolve };
  };
  const ask = (client: FlowClient): void => void client.send({ type: "request", id: "r1", action: "work", payload: {} });
  const isAcknowledged = (client: FlowClient) => () => client.last("acknowledgment") !== undefined;
  const { key } = submission("r1");

  test("P1 P4 P5 an overrunning sync run is acknowledged in place, goes on, and is stored; asked again it is the same", async (harness) => {
    const { connect, until, quiet, runs, open } = await start(harness);
    const [client, other] = [await connect(), await connect()];
    ask(client);
    await harness.clock.advance(THRESHOLD_MS - 1);
    await quiet();
    expect(client.story("r1")).toEqual([]);
    await until("acknowledged", isAcknowledged(client), 1_000);
    expect(client.story("r1")[0]).toMatchObject({ type: "acknowledgment", seq: 1, status: "processing" });
    expect(client.last("acknowledgment")).not.toHaveProperty("waiting_for");
    await until("told what it said before", () => client.last("progress") !== undefined);
    expect(client.last("progress")).toMatchObject({ percentage: 10, stage: "first", attempt: 1 });
    await other.send({ type: "subscribe", request_id: "r1" });
    expect(other.last("snapshot")).toMatchObject({ status: "PROCESSING", progress: { percentage: 10 } });
    open();
    await until("both saw the end", () => [client, other].every((each) => each.last("complete") !== undefined));
    expect(other.story("r1").at(-1)).toEqual(client.story("r1").at(-1));
    expect(client.last("complete")).toMatchObject({ result: { run: 1 }, metadata: { attempts: 1 } });
    expect(client.last("complete")!.metadata.run_ms).toBeGreaterThanOrEqual(THRESHOLD_MS);
    expect(client.last("response")).toBeUndefined();
    expect(await record(harness.engine, key)).toMatchObject({ status: "COMPLETED", result: { run: 1 } });
    ask(client);
    await quiet();
    expect(client.last("snapshot")).toMatchObject({ status: "COMPLETED", result: { run: 1 } });
    expect(runs).toHaveLength(1);
  });

  test("P2 P3 a promoted run whose process died is run again, and ends once", async (harness) => {
    const first = await start(harness);
    const client = await first.connect();
    ask(client);
    await first.until("acknowledged", isAcknowledged(client));
    await harness.restart();
    const second = await start(harness);
    const again = await second.connect();
    second.open();
    await again.send({ type: "subscribe", request_id: "r1", after: 1 });
    await second.until("complete", () => again.last("complete") !== undefined);
    expect(again.last("complete")).toMatchObject({ metadata: { attempts: 2 } });
  });

  test("P8 a promoted run is cancelled like any other", async (harness) => {
    const { connect, until } = await start(harness);
    const client = await connect();
    ask(client);
    await until("acknowledged", isAcknowledged(client));
    await client.send({ type: "cancel", request_id: "r1" });
    await until("stopped", () => client.last("error") !== undefined);
    const stages = client.story("r1").flatMap((message) => (message.type === "cancellation" ? [message.stage] : []));
    expect(stages).toEqual(["requested", "observed", "stopped"]);
  });

  test("an attempt's time counts from its beginning, not from the promotion", async (harness) => {
    const { connect, until } = await start(harness, { timeoutMs: THRESHOLD_MS + 2_000, retry: { maxAttempts: 1 } });
    const client = await connect();
    const askedAt = harness.clock.now();
    ask(client);
    await until("timed out", () => client.last("error") !== undefined);
    expect(client.last("error")).toMatchObject({ error: { code: "TIMEOUT" } });
    expect(client.last("error")!.timestamp - askedAt).toBeLessThan(THRESHOLD_MS + 2_500);
  });

  test("P12 a run that the store does not take is answered when it ends, as if nobody had tried", async (harness) => {
    const decide: PipelineParts["decide"] = ({ verb }) => (verb === "requests.submit" ? "refuse" : "none");
    const { connect, until, open } = await start(harness, {}, { decide });
    const client = await connect();
    ask(client);
    await harness.clock.advance(THRESHOLD_MS + 1_000);
    open();
    await until("answered", () => client.last("response") !== undefined);
    expect(client.last("response")).toMatchObject({ request_id: "r1", success: true, data: { run: 1 } });
    expect(client.story("r1")).toEqual([]);
  });
}
