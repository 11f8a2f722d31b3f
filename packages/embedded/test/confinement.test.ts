/** What a worker process may have of the machine, and what happens to a run that reaches it. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isStreamerError, type Log } from "@streamer/core";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { systemClock } from "../src/clock.ts";
import { createIsolation, type IsolationOptions, type ProcessIsolation } from "../src/isolation.ts";
import { findConfinement, WORKER_LIMITS } from "../src/isolation/confinement.ts";
import { watch } from "./watched-context.ts";

const module = new URL("fixture-careless.ts", import.meta.url).href;
const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const [limited, apart] = findConfinement().told.map(({ state }) => state === "ok");

let folder: string;
let isolation: ProcessIsolation;
const isolate = (limits: IsolationOptions["limits"]): void => {
  isolation = createIsolation({ clock: systemClock, log, valueLength: 1_048_576 }, { slots: 1, graceMs: 200, limits });
};
const run = (action: string, { n = 0, network = true } = {}): Promise<unknown> =>
  isolation.run({ module, action, input: { n }, network, ctx: watch(folder).ctx });
const problem = (action: string): Promise<Error & { readonly code?: string }> =>
  run(action).then(
    () => new Error("nothing was refused"),
    (error: unknown) => error as Error,
  );

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamer-confined-"));
});
afterEach(async () => {
  await isolation.close();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

it.runIf(limited)("memory, CPU time, descriptors and core files are limited", async () => {
  isolate({ cpuSeconds: 60, openFiles: 100 });
  const told = (await run("limits.told")) as string;
  const of = (name: string): readonly string[] => new RegExp(`^${name} +(\\d+) +(\\d+)`, "m").exec(told)!.slice(1);
  expect([
    of("Max data size"),
    of("Max address space"),
    of("Max file size"),
    of("Max open files"),
    of("Max core file size"),
    of("Max cpu time"),
  ]).toEqual([
    ...[WORKER_LIMITS.memoryBytes, WORKER_LIMITS.addressBytes, WORKER_LIMITS.fileBytes].map((bytes) => [String(bytes), String(bytes)]),
    ["100", "100"],
    ["0", "0"],
    ["60", "65"],
  ]);
});

it.runIf(limited)("a run that takes all memory fails by name, and the next has a worker of its own", async () => {
  isolate({ memoryBytes: 1_300_000_000 });
  const before = await run("pid");
  const heap = await problem("memory.heap");
  expect(isStreamerError(heap) && heap.code).toBe("PROCESSING_FAILED");
  expect(heap.message).toMatch(
    /^The worker process running "memory.heap" has reached its limit of memory \(memoryBytes, 1300000000 bytes\)/,
  );
  expect(await run("pid")).not.toBe(before);
  // What the system refuses in the middle is the handler's own error.
  expect((await problem("memory.buffers")).message).toMatch(/allocat/i);
});

it.runIf(limited)("a run that takes all CPU time fails by name", async () => {
  isolate({ cpuSeconds: 2 });
  const spent = await problem("cpu.spin");
  expect(isStreamerError(spent) && spent.code).toBe("PROCESSING_FAILED");
  expect(spent.message).toMatch(/has reached its limit of CPU time \(cpuSeconds, 2 s\)/);
});

it.runIf(apart)("who declares to need no network has none, in a process of its own", async () => {
  isolate({});
  const server: Server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: n } = server.address() as AddressInfo;
  expect(await run("network.reach", { n })).toBe("reached");
  expect(await run("network.reach", { n, network: false })).toBe("ENETUNREACH");
  const inside = await run("pid", { network: false });
  expect(await run("pid", { network: false })).toBe(inside);
  expect(await run("pid")).not.toBe(inside);
  expect(await run("network.reach", { n })).toBe("reached");
  server.close();
});

it("without the tools it runs as before, and says what is missing and why", async () => {
  vi.stubEnv("PATH", folder);
  // Limits of their own: what was found before is remembered.
  isolate({ openFiles: 777 });
  expect(isolation.confined.map(({ what, state }) => [what, state])).toEqual([
    ["limits", "missing"],
    ["network", "missing"],
  ]);
  expect(isolation.confined[0]!.message).toContain("there is no prlimit (util-linux) here");
  expect(await run("pid", { network: false })).toEqual(expect.any(Number));
});

it("limits: false puts nothing on them", async () => {
  isolate(false);
  expect(isolation.confined).toEqual([]);
  expect(await run("pid")).toEqual(expect.any(Number));
});
