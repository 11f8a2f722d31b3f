/** `/readyz` over HTTP, while the disk is full and after; and what it says of background loops. */
import { mkdtempSync, rmSync } from "node:fs";
import { StatementSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock } from "@streamer/contract";
import { createLoop } from "@streamer/core";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createReadiness } from "../src/server/readiness.ts";
import { startServer, type Server } from "../src/server/server.ts";
import { connectClient } from "./client.ts";
import { gates, hold } from "./fixture-handlers.ts";
import { silent } from "./harness.ts";

let folder: string;
let server: Server;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "streamer-ready-"));
  server = await startServer({ handlers: [hold], dataFolder: folder, logLevel: "silent" });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server.stop();
  rmSync(folder, { recursive: true });
});

const ask = async (): Promise<unknown[]> => {
  const response = await fetch(`${server.httpUrl}/readyz`);
  return [response.status, await response.json()];
};

/** SQLITE_FULL and SQLITE_IOERR. */
const FULL = 13;
const IO_ERROR = 10;

/** From now on no commit finds room, if `isFull` says so. */
function fillDisk(isFull: () => boolean, errcode = FULL): void {
  const { run } = StatementSync.prototype;
  vi.spyOn(StatementSync.prototype, "run").mockImplementation(function (this: StatementSync, ...values) {
    if (this.sourceSQL === "COMMIT" && isFull())
      throw Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR", errcode });
    return Reflect.apply(run, this, values);
  });
}

it("is not ready while the store refuses writes, says so, and is ready again once there is room", async () => {
  expect(await ask()).toEqual([200, { status: "ready" }]);
  const client = connectClient(server.url, await server.developmentToken({ userId: "ann" }));
  await client.message("welcome");
  let isFull = true;
  fillDisk(() => isFull);
  client.send({ type: "request", id: "1", action: "hold", payload: { gate: "a" } });
  expect(await client.message("error", "1")).toMatchObject({ error: { code: "STORAGE_ERROR" } });
  const full = [503, { status: "not ready", problems: [{ name: "store", message: expect.stringContaining("disk is full") as string }] }];
  expect(await ask()).toEqual(full);
  expect(await ask()).toEqual(full);
  isFull = false;
  // Nobody has to write for it to be noticed.
  expect(await ask()).toEqual([200, { status: "ready" }]);
  client.send({ type: "request", id: "2", action: "hold", payload: { gate: "a" } });
  await client.message("progress", "2");
  gates.get("a")!();
  await client.message("complete", "2");
});

it("one write that failed for another reason, or a disk that took the next, is no problem", async () => {
  const client = connectClient(server.url, await server.developmentToken({ userId: "ann" }));
  await client.message("welcome");
  let failures = 1;
  fillDisk(() => (failures -= 1) >= 0, IO_ERROR);
  client.send({ type: "request", id: "1", action: "hold", payload: { gate: "a" } });
  expect(await client.message("error", "1")).toMatchObject({ error: { code: "STORAGE_ERROR" } });
  expect(await ask()).toEqual([200, { status: "ready" }]);
});

it("a disk that is full only by the log of the database is no problem: the log is folded back, and the write taken", async () => {
  const client = connectClient(server.url, await server.developmentToken({ userId: "ann" }));
  await client.message("welcome");
  let failures = 1;
  fillDisk(() => (failures -= 1) >= 0);
  client.send({ type: "request", id: "1", action: "hold", payload: { gate: "b" } });
  expect(await client.message("acknowledgment", "1")).toMatchObject({ seq: 1 });
  expect(failures).toBeLessThan(0);
  expect(await ask()).toEqual([200, { status: "ready" }]);
  await client.message("progress", "1");
  gates.get("b")!();
  await client.message("complete", "1");
});

it("names loops that are stuck or have failed for long until they work again, and slots that are lost", async () => {
  const clock = createManualClock();
  let isBroken = true;
  const ends: (() => void)[] = [];
  const stuck = createLoop({
    clock,
    log: silent,
    name: "claim",
    boundMs: 30_000,
    round: () => new Promise<void>((resolve) => void ends.push(resolve)),
  });
  const failing = createLoop({
    clock,
    log: silent,
    name: "purge",
    everyMs: 1_000,
    boundMs: 30_000,
    round: () => {
      if (isBroken) throw new Error("/secret/path");
    },
  });
  let health = { runs: 3, abandonedRuns: 3, isLosingSlots: false };
  const readiness = createReadiness({
    isServing: () => true,
    storeRefusal: async () => undefined,
    loops: () => [stuck, failing],
    doors: { isFull: false },
    health: () => health,
    keys: () => "ready",
  });
  stuck.nudge();
  await clock.advance(20_000);
  expect(await readiness()).toEqual([]);
  await clock.advance(20_000);
  expect(await readiness()).toEqual([
    { name: "loop claim", message: "A round has not ended for 40 s; it never succeeded." },
    { name: "loop purge", message: "It has failed 6 times in 39 s; it never succeeded." },
  ]);
  isBroken = false;
  ends[0]!();
  await clock.advance(30_000);
  expect(await readiness()).toEqual([]);
  health = { ...health, isLosingSlots: true };
  expect(await readiness()).toMatchObject([{ name: "slots", message: expect.stringMatching(/^3 runs/) as string }]);
  for (const loop of [stuck, failing]) loop.stop();
});
