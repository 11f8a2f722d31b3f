import fc from "fast-check";
import { expect, test } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { createHealth } from "../src/health.ts";
import { echo } from "../src/echo.ts";
import { InputRefused, startRun } from "./run-handler.ts";

test("echo answers with exactly its payload", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (payload) => {
      expect(await (await startRun(echo, payload)).result).toEqual(payload);
    }),
    { numRuns: 50 },
  );
  expect(await (await startRun(echo, undefined)).result).toBeNull();
});

test("health answers with this process's own figures", async () => {
  const before = Date.now();
  const health = await (await startRun(createHealth(), undefined)).result;

  expect(health).toMatchObject({ status: "ok", version: manifest.version, node: process.version });
  expect(Date.parse(health.time)).toBeGreaterThanOrEqual(before);
  expect(Math.abs(health.uptime_ms - process.uptime() * 1_000)).toBeLessThan(5_000);
  expect(health.memory.heap_used_bytes).toBeGreaterThan(1_000_000);
  expect(health.memory.rss_bytes).toBeGreaterThan(health.memory.heap_used_bytes);
});

test("health shows a stall of the event loop", async () => {
  const handler = createHealth();
  const stallMs = 150;
  await new Promise((resolve) => setTimeout(resolve, 30));
  const until = performance.now() + stallMs;
  while (performance.now() < until) JSON.parse(JSON.stringify({ busy: Array.from({ length: 100 }, (_, n) => n) }));
  await new Promise((resolve) => setTimeout(resolve, 30));

  const { event_loop: loop } = await (await startRun(handler, {})).result;
  expect(loop.delay_max_ms).toBeGreaterThan(stallMs * 0.8);
  expect(loop.delay_p50_ms).toBeLessThan(loop.delay_max_ms);
  expect(loop.window_ms).toBeGreaterThanOrEqual(stallMs);
});

test("health refuses a payload it would ignore", async () => {
  await expect(startRun(createHealth(), { verbose: true })).rejects.toBeInstanceOf(InputRefused);
});
