/**
 * The SDK on a bad network: every connection to the server goes through a proxy that cuts, half-closes and stalls it
 * after random numbers of bytes, hundreds of times in one run. The seed is printed; STREAMER_SEED repeats what strikes.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { connect, isStreamerError, type Client, type Run, type RunEvent } from "@streamer/client";
import { startChaosProxy } from "@streamer/contract/chaos-proxy";
import { defineHandler } from "@streamer/core";
import { startServer } from "../src/index.ts";

const STRIKES = 300;
const LANES = 4;
const PARTIALS = 120;
const seed = Number(process.env["STREAMER_SEED"] ?? Date.now() % 1_000_000);

const numbered = z.object({ n: z.number() });
/** How often each request was really run. */
const runs = new Map<string, number>();

const handlers = [
  defineHandler({
    action: "count",
    input: numbered,
    estimate: 60_000,
    run: async ({ n }, ctx) => {
      runs.set(ctx.request.id, (runs.get(ctx.request.id) ?? 0) + 1);
      for (let index = 0; index < PARTIALS; index += 1) {
        ctx.report((100 * index) / PARTIALS, `number ${index}`);
        await ctx.partial("numbers", n + index);
      }
      return { sum: PARTIALS * n + (PARTIALS * (PARTIALS - 1)) / 2 };
    },
  }),
  defineHandler({
    action: "endless",
    input: numbered,
    estimate: 60_000,
    run: async (_, ctx) => {
      for (let index = 0; !ctx.signal.aborted; index += 1) await ctx.checkpoint({ index });
      throw ctx.signal.reason;
    },
  }),
  defineHandler({ action: "double", input: numbered, estimate: 1, run: ({ n }) => 2 * n }),
] as const;

interface Told {
  readonly run: Run<{ readonly sum: number }>;
  readonly n: number;
  readonly events: readonly RunEvent[];
}

/** Requests of all three kinds, one after the other, until `isOver`; answers with what was told of the queued ones. */
async function use(client: Client, lane: number, isOver: () => boolean): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (let n = lane * 1_000; !isOver(); n += 1) {
    const run = client.request("count", { n }, { mode: "async" }) as Told["run"];
    const events: RunEvent[] = [];
    const reading = (async () => {
      for await (const event of run.events) events.push(event);
    })();
    expect(await client.request("double", { n }).result).toBe(2 * n);
    if (n % 4 === 3) await cancelMidway(client, n);
    expect(await run.result).toEqual({ sum: PARTIALS * n + (PARTIALS * (PARTIALS - 1)) / 2 });
    await reading;
    told.push({ run, n, events });
  }
  return told;
}

async function cancelMidway(client: Client, n: number): Promise<void> {
  const run = client.request("endless", { n }, { mode: "async" });
  await run.accepted;
  expect((await run.cancel("half way")).stage).toBe("stopped");
  const error: unknown = await run.result.catch((cause: unknown) => cause);
  expect(isStreamerError(error) && error.code).toBe("CANCELLED");
}

const durable = (events: readonly RunEvent[]) => events.filter(({ type }) => type !== "progress");

it(`P5 P6 P8 struck ${STRIKES} times, a client loses no durable event, repeats none and keeps their order`, async () => {
  console.log(`chaos: STREAMER_SEED=${seed}`);
  const dataFolder = await mkdtemp(join(tmpdir(), "streamer-chaos-"));
  const server = await startServer({ handlers, dataFolder, logLevel: "error", options: { heartbeatMs: 60 } });
  const token = await server.developmentToken({ userId: "u" });
  const proxy = await startChaosProxy({ target: { port: Number(new URL(server.url).port) }, seed, meanBytes: 6_000 });
  const client: Client = connect(`ws://127.0.0.1:${proxy.port}`, {
    token,
    reconnect: { baseMs: 2, capMs: 20 },
    connectTimeoutMs: 400,
    pongTimeoutMs: 100,
  });
  const strikes = (): number => Object.values(proxy.struck).reduce((sum, count) => sum + count, 0);

  const lanes = Array.from({ length: LANES }, (_, lane) => use(client, lane, () => strikes() >= STRIKES));
  const told = (await Promise.all(lanes)).flat();
  console.log(`chaos: ${told.length} queued requests told whole over`, proxy.struck);
  await client.close();
  await proxy[Symbol.asyncDispose]();

  const reader: Client = connect(server.url, { token });
  for (const { run, n, events } of told) {
    const story: RunEvent[] = [];
    for await (const event of reader.attach(run.id).events) story.push(event);
    const context = `${run.id}, seed ${seed}`;
    expect(durable(events), context).toEqual(durable(story));
    const seqs = events.map((event) => ("seq" in event ? event.seq : 0));
    expect(seqs, context).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    const numbers = events.flatMap((event) => (event.type === "partial" ? [event.data] : []));
    expect(numbers, context).toEqual(Array.from({ length: PARTIALS }, (_, index) => n + index));
    expect(runs.get(run.id), context).toBe(1);
  }
  await reader.close();
  await server.stop();
  await rm(dataFolder, { recursive: true });
});
