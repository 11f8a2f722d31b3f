/**
 * The pipeline with everything going wrong. The process is killed at every single port call, before the engine does it
 * and after it has committed; calls are refused, delayed and repeated; and the same story has to come out each time.
 */
import { expect } from "vitest";
import { defineHandler, type AnyHandler, type RequestKey } from "@streamer/core";
import type { ServerMessage } from "@streamer/protocol";
import type { Fault, PortCall } from "../faults.ts";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline, storyOf, type FlowClient, type Pipeline } from "./pipeline.ts";
import { readFrame, record, replay, submission } from "../samples.ts";

/** No scenario makes more calls than this; one that did would be killed for ever. */
const MOST_CALLS = 200;

/** Work with everything in it: partials, a checkpoint, progress, a file, one failure that is retried. */
function storyHandler(failures: Set<string>): AnyHandler {
  return defineHandler({
    action: "story",
    input: anything,
    estimate: 60_000,
    retry: { maxAttempts: 3, baseMs: 500, capMs: 500 },
    async run(_input, ctx) {
      const from = typeof ctx.resumed === "number" ? ctx.resumed : 0;
      for (let n = from; n < 4; n += 1) {
        ctx.report(n * 20, `part ${n}`);
        await ctx.partial("rows", n);
        await ctx.checkpoint(n + 1);
        if (n === 1 && !failures.has(ctx.request.id)) {
          failures.add(ctx.request.id);
          throw new Error("fails the first time");
        }
      }
      const { sizeBytes } = await ctx.blobs.put("out.txt", "the end");
      return { sizeBytes };
    },
  });
}

/** Asks again for what was never acknowledged, or goes on after the last event seen: what a client does (P4, P6). */
async function resume(requestId: string, received: readonly ServerMessage[], pipeline: Pipeline): Promise<FlowClient> {
  const client = await pipeline.connect();
  const seq = storyOf(received, requestId).at(-1)?.seq;
  if (seq === undefined) await client.send({ type: "request", id: requestId, action: "story", payload: 1 });
  else await client.send({ type: "subscribe", request_id: requestId, after: seq });
  return client;
}

/** Plays one request to its end, over as many processes as it takes; answers everything its client received. */
async function play(harness: Harness, requestId: string, decide: (call: PortCall) => Fault): Promise<readonly ServerMessage[]> {
  const handlers = [storyHandler(new Set())];
  let pipeline = await startPipeline({ harness, handlers, decide });
  const received: ServerMessage[] = [];
  for (let life = 0; life < 3; life += 1) {
    if (!pipeline.engine.isDead) {
      const client = await resume(requestId, received, pipeline);
      await pipeline.until(`the end of ${requestId}`, () => client.last("complete") !== undefined, 300_000);
      received.push(...client.received);
      if (client.last("complete")) return received;
    }
    await harness.restart();
    pipeline = await startPipeline({ harness, handlers });
  }
  throw new Error(`${requestId} did not end`);
}

async function expectOneStory(harness: Harness, requestId: string, received: readonly ServerMessage[], at: string): Promise<void> {
  const key: RequestKey = submission(requestId).key;
  expect(await record(harness.engine, key), at).toMatchObject({ status: "COMPLETED", result: { sizeBytes: 7 } });
  const stored = (await replay(harness.engine, key)).map(readFrame);
  expect(
    stored.filter(({ type }) => type === "complete"),
    `P2 ${at}`,
  ).toHaveLength(1);
  const seqs = storyOf(received, requestId).map(({ seq }) => seq);
  expect(seqs, `P5 ${at}`).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  const durable = (messages: readonly ServerMessage[]) => storyOf(messages, requestId).filter(({ type }) => type !== "progress");
  expect(durable(received), `P6 ${at}`).toEqual(durable(stored));
  const rows = durable(stored).flatMap((message) => (message.type === "partial" ? [message.data] : []));
  expect(new Set(rows), `every part was done: ${at}`).toEqual(new Set([0, 1, 2, 3]));
}

export function crashContract(test: ContractTest): void {
  for (const moment of ["die_before", "die_after"] as const) {
    test(`P1 P2 P4 P5 P6 the process may die ${moment === "die_before" ? "before" : "after"} any step, and nothing is lost or done twice`, async (harness) => {
      let deaths = 0;
      for (let number = 1; number <= MOST_CALLS; number += 1) {
        let killed = "";
        const decide = (call: PortCall): Fault => {
          if (call.number !== number) return "none";
          killed = call.verb;
          return moment;
        };
        const received = await play(harness, `r${number}`, decide);
        await expectOneStory(harness, `r${number}`, received, `killed at call ${number}, ${killed || "none"}`);
        if (killed === "") break;
        deaths += 1;
        await harness.restart();
      }
      expect(deaths).toBeGreaterThan(20);
      expect(deaths).toBeLessThan(MOST_CALLS);
    });
  }

  test("P2 P12 a store that refuses any one call delays a request, and loses nothing", async (harness) => {
    for (let number = 1; number <= MOST_CALLS; number += 1) {
      let refused = "";
      const handlers = [storyHandler(new Set())];
      const decide = (call: PortCall): Fault => {
        if (call.number !== number || /^(channel|connections)/.test(call.verb)) return "none";
        refused = call.verb;
        return "refuse";
      };
      const id = `r${number}`;
      const { connect, until, engine } = await startPipeline({ harness, handlers, decide });
      const client = await connect();
      const { key } = submission(id);
      await client.send({ type: "request", id, action: "story", payload: 1 });
      // Not accepted: the client was told so, and tries again.
      if ((await harness.engine.requests.get(key)).outcome === "unknown") {
        expect(client.last("error"), `${refused} of ${id}`).toMatchObject({ request_id: id, error: { retry: { retryable: true } } });
        await client.send({ type: "request", id, action: "story", payload: 1 });
      }
      await until(`${id} after ${refused} was refused`, async () => (await record(harness.engine, key)).status === "COMPLETED", 300_000);
      const ends = (await replay(harness.engine, key)).map(readFrame).filter(({ type }) => type === "complete");
      expect(ends, `${refused} of ${id}`).toHaveLength(1);
      if (engine.calls.length < number) break;
    }
  });

  test("P5 P6 calls that overtake each other change nothing", async (harness) => {
    for (let round = 1; round <= 12; round += 1) {
      let at = round;
      const received = await play(harness, `r${round}`, () => ({ turns: (at = (at * 31 + 7) % 101) % 9 }));
      await expectOneStory(harness, `r${round}`, received, `round ${round}`);
    }
  });

  test("P2 P3 a port whose every call is repeated runs nothing twice at once, and ends once", async (harness) => {
    // A frame sent twice is the one repetition a client would see; every other is the engine's to bear.
    const decide = ({ verb }: PortCall): Fault => (verb === "channel.send" ? "none" : "repeat");
    for (let round = 1; round <= 5; round += 1) {
      const received = await play(harness, `r${round}`, decide);
      const { key } = submission(`r${round}`);
      expect(await record(harness.engine, key)).toMatchObject({ status: "COMPLETED", result: { sizeBytes: 7 } });
      const stored = (await replay(harness.engine, key)).map(readFrame);
      expect(stored.filter(({ type }) => type === "complete")).toHaveLength(1);
      const seqs = storyOf(received, `r${round}`).map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    }
  });
}
