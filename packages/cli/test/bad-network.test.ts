/** `streamer request` over a network that cuts, half-closes and stalls its connections: it comes back by itself. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { connect, type Client, type RunEvent } from "@streamer/client";
import { startChaosProxy } from "@streamer/contract/chaos-proxy";
import { defineHandler } from "@streamer/core";
import { startServer } from "@streamer/embedded";
import { jsonLines } from "./command.ts";
import { streamerHere } from "./in-process.ts";

const LINES = 600;

const count = defineHandler({
  action: "count",
  input: z.object({}),
  estimate: 60_000,
  async run(_, ctx) {
    for (let line = 0; line < LINES; line += 1) await ctx.partial("lines", line);
    return { lines: LINES };
  },
});

it("P5 P6 struck again and again, it prints every durable event once, in order, and the result", async () => {
  const folder = mkdtempSync(join(tmpdir(), "streamer-bad-network-"));
  const server = await startServer({ handlers: [count], dataFolder: folder, logLevel: "silent", options: { heartbeatMs: 100 } });
  const proxy = await startChaosProxy({
    target: { port: Number(new URL(server.url).port) },
    seed: Number(process.env["STREAMER_SEED"] ?? 7),
    // One request says too little for a fault in what the client says to strike.
    upShare: 0,
    // A stall costs the ten seconds after which the command gives up on a silent server.
    weights: { cut: 2, "half-close": 1, stall: 0 },
  });
  const access = ["--url", `ws://127.0.0.1:${proxy.port}`, "--data-folder", folder];
  const command = streamerHere(["request", "count", "--id", "r1", "--mode", "async", "--json", ...access]);
  expect(await command.exitCode).toBe(0);
  expect(Object.values(proxy.struck).reduce((sum, times) => sum + times)).toBeGreaterThan(10);
  await proxy[Symbol.asyncDispose]();

  const told = jsonLines(command.stdout);
  expect(told.at(-1)).toMatchObject({ type: "outcome", status: "COMPLETED", result: { lines: LINES } });
  const story: RunEvent[] = [];
  const reader: Client = connect(server.url, { token: await server.developmentToken({ userId: "developer" }) });
  for await (const event of reader.attach("r1").events) story.push(event);
  expect(told.slice(0, -1)).toEqual(story);
  await reader.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});
