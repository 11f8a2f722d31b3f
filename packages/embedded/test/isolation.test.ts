import { mkdtemp, rm } from "node:fs/promises";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFatal, isRetryAfter, isStreamerError, Stopped, WorkerDied, type Log, type LogFields } from "@streamer/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../src/clock.ts";
import { watch as watchIn, type Seen } from "./watched-context.ts";
import { createIsolation, type IsolationOptions, type ProcessIsolation } from "../src/isolation.ts";

const module = new URL("fixture-handlers.ts", import.meta.url).href;
let folder: string;
let isolation: ProcessIsolation;
const logged: unknown[][] = [];
const keep = (fields: LogFields, message: string): void => void logged.push([message, fields]);
const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
const isolate = (options: Partial<IsolationOptions> = {}): void => {
  logged.length = 0;
  isolation = createIsolation({ clock: systemClock, log, valueLength: 1_000_000 }, { slots: 2, ...options });
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamer-isolation-"));
  isolate();
});
afterEach(async () => {
  await isolation.close();
  await rm(folder, { recursive: true, force: true });
});

const watch = (): Seen => watchIn(folder);
const run = (action: string, input: unknown, { ctx }: Pick<Seen, "ctx"> = watch()): Promise<unknown> =>
  isolation.run({ module, action, input, ctx });

describe("a handler in a worker process", () => {
  it("has the whole context: progress, metadata, log, partial, checkpoint and blobs, in order", async () => {
    const seen = watch();
    const result = await run("work.report", { date: new Date(0) }, seen);
    expect(result).toMatchObject({
      // A result is JSON, as it is for a handler in the server's own process.
      input: { date: "1970-01-01T00:00:00.000Z" },
      put: { url: "url of a.txt" },
      request: seen.ctx.request,
      resumed: { at: 7 },
    });
    expect((result as { pid: number }).pid).not.toBe(process.pid);
    expect(seen.story).toEqual([
      ["metadata", "source", "worker"],
      ["report", 25, "first", { stage: "one" }],
      ["log", { step: 1 }, "working"],
      ["partial", "rows", [1, 2]],
      ["checkpoint", { at: 50 }],
      ["report", 75, "second"],
      ["putFile", "a.txt", "from the worker", undefined],
      ["putFile", "b.txt", "a file", { contentType: "text/plain" }],
    ]);
  });

  it("P10 reads blobs through its parent, which knows whose they are, and clears up", async () => {
    const seen = watch();
    const result = await run("work.read", {}, seen);
    expect(result).toEqual({ text: "learned", sizeBytes: 7, type: "application/json", none: null });
    expect(seen.story).toEqual([
      ["open", "model.json", { requestId: "r0" }],
      ["open", "none", undefined],
      ["removeAll", "stage-"],
    ]);
  });

  it("uses a worker again, and replaces one that is old or has grown", async () => {
    const pidOf = async (): Promise<number> => ((await run("work.report", {})) as { pid: number }).pid;
    expect(await pidOf()).toBe(await pidOf());
    await isolation.close();
    for (const limits of [{ runsPerWorker: 1 }, { maxRssBytes: 1 }]) {
      isolate(limits);
      expect(await pidOf()).not.toBe(await pidOf());
      await isolation.close();
    }
  });

  it("throws in the parent what it threw, brand and code kept", async () => {
    const thrown = async (kind: string): Promise<unknown> => run("work.throw", { kind }).catch((error: unknown) => error);
    const fatal = await thrown("fatal");
    expect(isFatal(fatal)).toBe(true);
    expect(fatal).toMatchObject({ message: "no use", code: "VALIDATION_ERROR", details: { column: "b" } });
    const retry = await thrown("retry");
    expect(isRetryAfter(retry) && retry.afterMs).toBe(1_234);
    const own = await thrown("streamer");
    expect(isStreamerError(own) && own.code).toBe("FORBIDDEN");
    expect(await thrown("plain")).toMatchObject({ name: "RangeError", message: "out of range" });
  });

  it.each(["work.die", "work.exit"])("P3 that dies by %s costs its own run, as WorkerDied, and nobody else's", async (action) => {
    const other = run("work.report", {});
    await expect(run(action, {})).rejects.toBeInstanceOf(WorkerDied);
    await expect(other).resolves.toMatchObject({ resumed: { at: 7 } });
    await expect(run("work.report", {})).resolves.toBeDefined();
  });

  it("P8 is told why it has to stop", async () => {
    const seen = watch();
    const stopped = run("work.wait", {}, seen);
    await seen.reported;
    seen.controller.abort(new Stopped("cancelled"));
    await expect(stopped).rejects.toMatchObject({ name: "Stopped", reason: "cancelled" });
  });

  it("P8 that ignores its signal is killed after the grace, and that is no crash", async () => {
    isolate({ graceMs: 50, slots: 1 });
    const seen = watch();
    const stopped = run("work.ignore", {}, seen);
    await seen.reported;
    seen.controller.abort(new Stopped("timed_out"));
    await expect(stopped).rejects.toMatchObject({ name: "Stopped", reason: "timed_out" });
    // Its slot is free again.
    await expect(run("work.report", {})).resolves.toBeDefined();
  });

  it("P11 that reports in a tight loop fills no memory, and its newest report and metadata arrive", async () => {
    const seen = watch();
    const rssBytes = (await run("work.chatter", {}, seen)) as number;
    expect(rssBytes).toBeLessThan(300 * 1_048_576);
    const merged = Object.assign({}, ...seen.story.map(([, , , metadata]) => metadata)) as unknown;
    expect(seen.story.at(-1)!.slice(0, 3)).toEqual(["report", 100, "step 20000"]);
    expect(merged).toEqual({ m0: 19_998, m1: 19_999, m2: 20_000 });
  });

  it("whose result is no JSON, or whose action is not exported, fails for good", async () => {
    const problems = await Promise.all(["work.circular", "work.nowhere"].map((action) => run(action, {}).catch((error: unknown) => error)));
    expect(problems.every(isFatal)).toBe(true);
    expect(problems.map(String)).toEqual([
      expect.stringContaining("Result is not JSON: Converting circular structure"),
      expect.stringContaining('The module of "work.nowhere" exports no such handler'),
    ]);
  });

  it("whose input cannot be sent rejects, and leaves the worker usable", async () => {
    await expect(run("work.report", { callback: () => {} })).rejects.toThrow(/could not be cloned/);
    await expect(run("work.report", {})).resolves.toBeDefined();
  });

  it("sees no environment but what it is given", async () => {
    vi.stubEnv("STREAMER_TEST_SECRET", "s3cret");
    isolate({ env: { GIVEN: "yes" } });
    await expect(run("work.env", {})).resolves.toEqual({ secret: null, given: "yes" });
    vi.unstubAllEnvs();
  });

  it("waits for a slot beyond the slots there are, and leaves the line when aborted", async () => {
    isolate({ slots: 1 });
    const [first, second, third] = [watch(), watch(), watch()];
    const running = run("work.wait", {}, first);
    const aborted = run("work.report", {}, second);
    const waiting = run("work.report", {}, third);
    await first.reported;
    second.controller.abort(new Stopped("cancelled"));
    await expect(aborted).rejects.toMatchObject({ reason: "cancelled" });
    expect(third.story).toEqual([]);
    first.controller.abort(new Stopped("cancelled"));
    await expect(running).rejects.toMatchObject({ reason: "cancelled" });
    await expect(waiting).resolves.toBeDefined();
  });

  it("P3 ends with its parent, even one that never yields", async () => {
    const source = `import { createIsolation } from ${JSON.stringify(new URL("../src/isolation.ts", import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL("../src/clock.ts", import.meta.url).href)};
      const ctx = { signal: new AbortController().signal, request: {}, report: () => console.log("deaf") };
      await createIsolation({ clock: systemClock, log: {}, valueLength: 1_000 }).run({ module: ${JSON.stringify(module)}, action: "work.ignore", input: {}, ctx });`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: ["ignore", "pipe", "pipe"] });
    await once(parent.stdout, "data");
    // The worker's output is the parent's: the pipe ends when both have.
    const ended = once(parent.stderr.resume(), "close");
    parent.kill("SIGKILL");
    await expect(ended).resolves.toBeDefined();
  });
});
