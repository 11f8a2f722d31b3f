/** A laptop that lives by API Gateway's limits: the wire suite under them, and what only they make happen. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { API_GATEWAY, createManualClock, turnsOfTheLoop, wireContract, wireHandlers } from "@streamer/contract";
import { defineHandler, type HandlerContext } from "@streamer/core";
import { API_GATEWAY_LIMITS } from "@streamer/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import { z } from "zod";
import { startServer, type Server } from "../src/server/server.ts";
import { createLives } from "../src/server/transport-limits.ts";
import { connectClient } from "./client.ts";
import { silent } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-limits-"));
const runs: unknown[] = [];
const long = defineHandler({
  action: "long",
  input: z.object({ checkpoints: z.boolean() }),
  estimate: 60_000,
  retry: { maxAttempts: 1 },
  run: async ({ checkpoints }, ctx: HandlerContext) => {
    runs.push(ctx.resumed);
    if (checkpoints) await ctx.checkpoint(ctx.request.attempt);
    if (ctx.request.attempt === 3) return { attempts: 3, large: "é".repeat(100_000) };
    return new Promise<never>((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error)));
  },
});
let server: Server;
beforeAll(async () => {
  server = await startServer({
    handlers: [...wireHandlers, long],
    dataFolder: folder,
    logLevel: "error",
    transport: { ...API_GATEWAY_LIMITS, runMs: 1_000 },
  });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

describe("under the limits of API Gateway", () => {
  wireContract(() => ({ url: server.url, token: (userId, tenantId = "acme") => server.developmentToken({ userId, tenantId }) }), {
    ...API_GATEWAY,
    isOrdered: true,
    hasCloseCodes: true,
    countsFrames: true,
    takesBinary: true,
  });

  it("a run longer than a function goes on from its checkpoint, and its large result comes in parts", async () => {
    runs.length = 0;
    const client = connectClient(server.url, await server.developmentToken({ userId: "ann" }));
    client.send({ type: "request", id: "with", action: "long", payload: { checkpoints: true } });
    await client.message("part");
    expect(runs).toEqual([undefined, 1, 2]);
    client.socket.close();
  });

  it("one that saves no checkpoint fails, as it would there", async () => {
    const client = connectClient(server.url, await server.developmentToken({ userId: "ann" }));
    client.send({ type: "request", id: "without", action: "long", payload: { checkpoints: false } });
    expect(await client.message("error", "without")).toMatchObject({ error: { code: "TIMEOUT" } });
    client.socket.close();
  });
});

it("a connection ends when it was idle or has lived too long, and not before", async () => {
  const clock = createManualClock();
  const lives = createLives({ clock, log: silent }, { idleMs: 10_000, lifeMs: 30_000 });
  const closed: string[] = [];
  const socketOf = (name: string) => ({ close: (code: number) => closed.push(`${name} ${code}`), on: () => {} }) as unknown as WebSocket;
  const wire = { bufferedBytes: 0, send: () => {}, cork: () => {}, uncork: () => {}, close: () => {} };
  const [idle, told, speaks] = [socketOf("idle"), socketOf("told"), socketOf("speaks")];
  lives.watch(idle, wire);
  const toldWire = lives.watch(told, wire);
  lives.watch(speaks, wire);
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      await clock.advance(1_000);
      lives.used(speaks);
      toldWire.send("x");
    }
  };
  await pass(9);
  expect(closed).toEqual([]);
  await pass(20);
  expect(new Set(closed)).toEqual(new Set(["idle 1001"]));
  await clock.advance(2_000);
  await turnsOfTheLoop();
  expect(new Set(closed)).toEqual(new Set(["idle 1001", "told 1001", "speaks 1001"]));
  lives.loop.stop();
});
