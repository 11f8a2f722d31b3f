/** What a handler reports reaches its client: in few messages, at once when it is the first word, and nothing is left out in silence. */
import { expect } from "vitest";
import { defineHandler, type AnyHandler, type HandlerContext } from "@streamer/core";
import type { ServerMessage } from "@streamer/protocol";
import { turnsOfTheLoop } from "../clock.ts";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";

const handler = (run: (ctx: HandlerContext) => unknown): AnyHandler =>
  defineHandler({ action: "work", input: anything, estimate: 60_000, run: async (_, ctx) => run(ctx) });

/** A promise that the test keeps. */
const gate = Promise.withResolvers.bind(Promise)<void>;

/** `ended` waits for what the handler does, then for its request's end. */
async function follow(harness: Harness, run: (ctx: HandlerContext) => unknown, more: Partial<PipelineParts> = {}) {
  const said = gate();
  const saying = handler((ctx) => Promise.resolve(run(ctx)).then(() => said.resolve()));
  const { connect, until, quiet } = await startPipeline({ harness, handlers: [saying], ...more });
  const client = await connect();
  await client.send({ type: "request", id: "r1", action: "work", payload: {} });
  const ended = async (): Promise<void> => {
    await said.promise;
    await until("complete", () => client.last("complete") !== undefined);
  };
  return { client, quiet, ended };
}

const progressOf = (client: FlowClient): readonly ServerMessage<"progress">[] =>
  client.story("r1").flatMap((message) => (message.type === "progress" ? [message] : []));

/** Every update that was told, oldest first, whether it came alone or with others. */
const updatesOf = (messages: readonly ServerMessage<"progress">[]) => messages.flatMap((message) => message.updates ?? [message]);

const reportsOf = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ percentage: (100 * (at + 1)) / count, metadata: { n: at + 1 } }));

export function progressContract(test: ContractTest): void {
  const paces: Readonly<Record<string, (harness: Harness) => Promise<void>>> = {
    "at once": async () => {},
    "in turns of the loop": async () => turnsOfTheLoop(1),
    "2 ms apart": (harness) => harness.clock.advance(2),
    "20 ms apart": (harness) => harness.clock.advance(20),
  };
  for (const [pace, pass] of Object.entries(paces)) {
    test(`P5 fifty updates ${pace} are all told, in ten messages at most that never go back, and end at 100 before complete`, async (harness) => {
      const { client, ended } = await follow(harness, async (ctx) => {
        for (const { percentage, metadata } of reportsOf(50)) {
          ctx.report(percentage, undefined, metadata);
          await pass(harness);
        }
      });
      await ended();
      const messages = progressOf(client);
      expect(messages.length).toBeLessThanOrEqual(10);
      const percentages = messages.map(({ percentage }) => percentage);
      expect(percentages).toEqual(percentages.toSorted((a, b) => a - b));
      expect(updatesOf(messages)).toMatchObject(reportsOf(50));
      expect(client.story("r1").slice(-2)).toMatchObject([
        { type: "progress", percentage: 100, metadata: { n: 50 } },
        { type: "complete" },
      ]);
    });
  }

  test("P5 what is reported while the store is slow is told as well", async (harness) => {
    const { client, ended } = await follow(
      harness,
      async (ctx) => {
        for (const { percentage, metadata } of reportsOf(50)) {
          ctx.report(percentage, undefined, metadata);
          await harness.clock.advance(20);
        }
      },
      { decide: ({ verb }) => (verb === "requests.advance" ? { turns: 200 } : "none") },
    );
    await ended();
    expect(updatesOf(progressOf(client))).toMatchObject(reportsOf(50));
  });

  test("P5 of more updates than a message carries it tells how many are left out", async (harness) => {
    const { client, ended } = await follow(harness, (ctx) => {
      for (const { percentage, metadata } of reportsOf(1_000)) ctx.report(percentage, undefined, metadata);
    });
    await ended();
    const messages = progressOf(client);
    const omitted = messages.reduce((sum, message) => sum + (message.omitted ?? 0), 0);
    expect(omitted).toBeGreaterThan(0);
    expect(updatesOf(messages).length + omitted).toBe(1_000);
    expect(messages.at(-1)).toMatchObject({ percentage: 100, metadata: { n: 1_000 } });
  });

  test("P5 the first update is told at once, and after a while of silence the next", async (harness) => {
    const [more, done] = [gate(), gate()];
    const { client, quiet, ended } = await follow(harness, async (ctx) => {
      ctx.report(1);
      await more.promise;
      ctx.report(2);
      await done.promise;
    });
    await quiet();
    await harness.clock.advance(1);
    await quiet();
    expect(progressOf(client)).toMatchObject([{ percentage: 1 }]);
    await harness.clock.advance(200);
    more.resolve();
    await quiet();
    await harness.clock.advance(1);
    await quiet();
    expect(progressOf(client)).toMatchObject([{ percentage: 1 }, { percentage: 2 }]);
    done.resolve();
    await ended();
  });
}
