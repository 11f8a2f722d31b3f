/**
 * Requests of every kind and route at once, whose links are cut and whose frames are sent again by another route: whoever
 * asked last is told one end, in order, and what succeeds is run once. The seed is printed; STREAMER_SEED repeats it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { expect, it } from "vitest";
import { z } from "zod";
import { createRandom } from "@streamer/contract/random";
import { Fatal, RetryAfter, defineHandler } from "@streamer/core";
import type { ServerMessage } from "@streamer/protocol";
import { startServer, type Server } from "../src/index.ts";
import { connectClient, type TestClient } from "./client.ts";

const REQUESTS = 300;
const WIDTH = 30;
/** Of the time a client is given up on: far more than any of these takes. */
const PATIENCE_MS = 100_000;
const seed = Number(process.env["STREAMER_SEED"] ?? Date.now() % 1_000_000);
const random = createRandom(seed);
const oneOf = <T>(...values: readonly T[]): T => values[Math.floor(random() * values.length)]!;

/** How often each request was run, and how its runs are to go. */
const runs = new Map<string, number>();
const work = defineHandler({
  action: "work",
  input: z.object({
    ms: z.number(),
    says: z.enum(["nothing", "partial", "checkpoint"]),
    fails: z.enum(["never", "twice", "for good"]),
    pad: z.string(),
  }),
  estimate: 1,
  retry: { maxAttempts: 3, baseMs: 50, capMs: 50 },
  async run({ ms, says, fails }, ctx) {
    const run = (runs.get(ctx.request.id) ?? 0) + 1;
    runs.set(ctx.request.id, run);
    if (says === "partial") await ctx.partial("rows", run);
    if (ms > 0) await pass(ms);
    ctx.signal.throwIfAborted();
    if (fails === "twice" && run < 3) throw run === 1 ? new RetryAfter(20.5) : new Error("again");
    if (fails === "for good") throw new Fatal("no");
    if (says === "checkpoint") await ctx.checkpoint(run);
    return run;
  },
});

const isEnd = ({ type }: ServerMessage): boolean => type === "complete" || type === "response" || type === "error";
const about = ({ messages }: TestClient, id: string): readonly ServerMessage[] =>
  messages.filter((message) => "request_id" in message && message.request_id === id);

async function endOf(client: TestClient, id: string): Promise<readonly ServerMessage[]> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += 10) {
    if (about(client, id).some(isEnd)) {
      await pass(20);
      return about(client, id);
    }
    await pass(10);
  }
  throw new Error(`No end of "${id}" came; what did: ${JSON.stringify(about(client, id))}`);
}

async function ask(server: Server, token: string, id: string): Promise<void> {
  const fails = oneOf("never", "never", "never", "twice", "for good" as const);
  const payload = {
    ms: oneOf(0, 0, 5, 100, 500, 900),
    says: oneOf("nothing", "nothing", "partial", "checkpoint"),
    fails,
    pad: oneOf("", "", "x".repeat(20_000)),
  };
  const send = (to: TestClient): void =>
    to.send({ type: "request", id, action: "work", payload, options: { mode: oneOf("auto", "sync", "async" as const) } });
  let client = connectClient(server.url, token);
  send(client);
  for (let cuts = oneOf(0, 1, 2); cuts > 0; cuts -= 1) {
    await pass(random() * 400);
    client.socket.terminate();
    client = connectClient(server.url, token);
    send(client);
  }
  const told = await endOf(client, id);
  client.socket.terminate();
  expect(told.filter(isEnd), `ends of ${id}`).toHaveLength(1);
  const seqs = told.flatMap((message) =>
    "seq" in message && message.seq !== undefined && message.type !== "snapshot" ? [message.seq] : [],
  );
  expect(seqs, `order of ${id}`).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  expect(runs.get(id), `runs of ${id}`).toBe(fails === "twice" ? 3 : 1);
}

it(`P2 P4 P5 P9 ${REQUESTS} requests by every route, cut off and sent again: one end each, told once, in order`, async () => {
  console.info(`routes storm: STREAMER_SEED=${seed}`);
  const dataFolder = await mkdtemp(join(tmpdir(), "streamer-routes-"));
  const options = { syncThresholdMs: 300, inlineSlots: 8, cancelGraceMs: 500 };
  const server = await startServer({ handlers: [work], dataFolder, logLevel: "silent", options });
  const token = await server.developmentToken({ userId: "ann" });
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < REQUESTS) await ask(server, token, `r${(next += 1)}`);
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
  expect(server.streamer.health()).toEqual({ runs: 0, abandonedRuns: 0, isLosingSlots: false });
  await server.stop();
  await rm(dataFolder, { recursive: true });
});
