import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asError, isFatal, isStreamerError, type Log, type LogFields } from "@streamer/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../src/clock.ts";
import { createIsolation, type IsolationOptions, type ProcessIsolation } from "../src/isolation.ts";
import { watch, type Seen } from "./watched-context.ts";

const module = new URL("fixture-careless.ts", import.meta.url).href;
const VALUE_LENGTH = 1_048_576;
let folder: string;
let isolation: ProcessIsolation;
const logged: { readonly message: string; readonly fields: LogFields }[] = [];
const keep = (fields: LogFields, message: string): void => void logged.push({ fields, message });
const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
const isolate = (options: Partial<IsolationOptions> = {}): void => {
  isolation = createIsolation({ clock: systemClock, log, valueLength: VALUE_LENGTH }, { slots: 1, graceMs: 200, ...options });
};
const run = (action: string, n = 0, { ctx }: Pick<Seen, "ctx"> = watch(folder), from = module): Promise<unknown> =>
  isolation.run({ module: from, action, input: { n }, ctx });
const problem = (action: string): Promise<Error> =>
  run(action).then(
    () => new Error("nothing was refused"),
    (error: unknown) => error as Error,
  );

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamer-workers-"));
  logged.length = 0;
  isolate();
});
afterEach(async () => {
  await isolation.close();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

describe("what a handler hands over is checked in its worker process", () => {
  it.each([
    ["result.long", /^Result has at least \d+ characters of JSON, over the limit of 1048576; store it with ctx.blobs.put/, true],
    ["result.bytes", /^Result has at least \d+ characters of JSON, over the limit/, true],
    ["result.bigint", /^Result is not JSON: Do not know how to serialize a BigInt/, true],
    ["result.circular", /^Result is not JSON: Converting circular structure to JSON/, true],
    ["result.function", /^Result is not JSON: function/, true],
    ["partial.long", /^Partial of stream "rows" has at least \d+ characters of JSON, over the limit/, false],
    ["partial.stream", /^What ctx.partial was given has at least \d+ characters|over the limit/, false],
    ["checkpoint.bigint", /^Checkpoint is not JSON: Do not know how to serialize a BigInt/, false],
  ])("%s is the handler's own failure", async (action, message, isForGood) => {
    const refused = await problem(action);
    expect(refused.message).toMatch(message);
    expect(isFatal(refused)).toBe(isForGood);
    // The worker is as good as before.
    expect(await run("result.nothing")).toBeUndefined();
  });

  it("a result is what its JSON says, as it is in the server's own process", async () => {
    expect(await run("result.plain")).toEqual({ at: "1970-01-01T00:00:00.000Z", map: {} });
  });

  it("too much metadata is left out and said, and the report arrives", async () => {
    const seen = watch(folder);
    expect(await run("metadata.long", 0, seen)).toBe("done");
    const reports = seen.story.filter(([kind]) => kind === "report");
    expect(reports).toEqual([
      ["report", 10, "x".repeat(1_024)],
      ["report", 20, "in bounds", { ok: true }],
    ]);
    const shared = seen.story.filter(([kind]) => kind === "metadata");
    expect(JSON.stringify(shared).length).toBeLessThan(60_000);
    expect(shared.length).toBeGreaterThan(500);
    expect(
      seen.story.some(([kind, , text]) => kind === "log" && /without its metadata: metadata of \d+ characters/.test(String(text))),
    ).toBe(true);
  });

  it("errors cross whatever they hold", async () => {
    const long = await problem("error.long");
    expect(long.message).toHaveLength(1_024);
    expect(await problem("error.null")).toBeInstanceOf(Error);
  });
});

describe("a handler that says much", () => {
  it("P11 reports: few cross, the newest arrives, memory stays", async () => {
    const seen = watch(folder);
    const rssBytes = (await run("reports", 300_000, seen)) as number;
    expect(rssBytes).toBeLessThan(300 * 1_048_576);
    expect(seen.story.length).toBeLessThan(1_000);
    expect(seen.story.at(-1)!.slice(0, 3)).toEqual(["report", 100, "row 300000"]);
  });

  it("log lines: a burst arrives, what is more is dropped, counted and said", async () => {
    const seen = watch(folder);
    await run("lines", 1_000, seen);
    expect(seen.story).toHaveLength(1_000);
    const flooded = watch(folder);
    await run("lines", 200_000, flooded);
    const dropped = flooded.story.at(-1) as [string, { dropped: number }, string];
    expect(dropped[2]).toContain("log lines were dropped");
    expect(flooded.story.length - 1 + dropped[1].dropped).toBe(200_000);
    expect(flooded.story.length).toBeLessThan(5_000);
  });

  it("odd log fields cross as the reason why they could not", async () => {
    const seen = watch(folder);
    await run("lines.odd", 0, seen);
    const [, fields, message] = seen.story[0] as [string, LogFields, string];
    expect(message).toBe("odd");
    expect(fields["err"]).toMatchObject({ name: "RangeError", message: "out of range" });
    expect(fields["bigint"]).toMatch(/^\(bigint is not JSON/);
    expect(fields["circular"]).toMatch(/^\(circular is not JSON/);
    expect(fields["long"]).toMatch(/^\(long has at least/);
    expect(seen.story[1]).toEqual(["log", {}, "7"]);
  });

  it("calls that nobody awaits all arrive in order before the end, and harm nobody when they fail", async () => {
    const seen = watch(folder);
    expect(await run("flood", 5_000, seen)).toBe("done");
    expect(seen.story).toEqual(Array.from({ length: 5_000 }, (_, at) => ["partial", "rows", { at }]));
    expect(await run("unawaited")).toBe("done");
  });
});

describe("a handler that leaves something behind", () => {
  it.each([
    ["stray", "nobody awaits this"],
    ["stray.timer", "nobody can catch this"],
  ])("(%s) fails with the message of what nobody caught, and its process is not used again", async (action, message) => {
    const before = await run("pid");
    expect(await problem(action)).toMatchObject({ name: "RangeError", message });
    expect(await run("pid")).not.toBe(before);
  });

  it("(stray.later) harms no later run, and is logged under its own name", async () => {
    const before = await run("stray.later");
    expect(await run("pid")).toBe(before);
    expect(logged).toContainEqual({
      fields: { err: expect.objectContaining({ message: "of an earlier run" }) as Error, action: "stray.later", request_id: "r" },
      message: "a handler left an error behind that nobody caught",
    });
    expect(await run("pid")).not.toBe(before);
  });

  it("(goes.on) holds up neither a later run nor the end of the server", async () => {
    const before = await run("goes.on");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await run("goes.on")).not.toBe(before);
    expect(logged.map(({ message }) => message)).toEqual([
      "a worker process was blocked by what an earlier run left behind; it is replaced",
    ]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await isolation.close();
  });

  it.skipIf(process.platform !== "linux")(
    "leave a run the memory that it is allowed: an idle process has mapped little of it",
    async () => {
      // V8's own range for code is 512 MiB of it.
      expect(await run("memory.mapped")).toBeLessThan(750);
    },
  );

  it("cannot speak on the channel to its server", async () => {
    expect(await run("channel")).toEqual({ send: "undefined", disconnect: "undefined" });
  });
});

describe("starting workers", () => {
  it("NODE_OPTIONS and execArgv reach them", async () => {
    vi.stubEnv("NODE_OPTIONS", "--max-old-space-size=200");
    isolate({ execArgv: ["--stack-size=900"] });
    const options = (await run("options")) as readonly string[];
    expect(options).toEqual(expect.arrayContaining(["--stack-size=900", "--max-old-space-size=200"]));
  });

  it("one that cannot be started fails its run by name, retryably, and the next start waits", async () => {
    isolate({ execArgv: ["--no-such-option"] });
    const startedAt = performance.now();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const failure = await problem("pid");
      expect(isStreamerError(failure) && failure.code).toBe("SERVICE_UNAVAILABLE");
      expect(failure.message).toBe(`No worker process could be started for "pid", for now. Try again later.`);
      expect(asError(failure.cause).message).toMatch(/^A worker process exited with code 9/);
    }
    // 100 and 200 ms, and what three starts take.
    expect(performance.now() - startedAt).toBeGreaterThan(300);
    expect(logged).toContainEqual({
      message: expect.stringContaining("keep dying") as string,
      fields: { deaths: 2, pause_ms: 200 },
    });
  });

  it("a module that does not load, or exports no such handler, fails for good and says what to do", async () => {
    const seen = watch(folder);
    const missing = await run("pid", 0, seen, "file:///no/such/module.ts").catch((error: unknown) => error as Error);
    expect(isFatal(missing) && missing.message).toMatch(/^The module of "pid" does not load in a worker process; the server's log/);
    const why = { module: "file:///no/such/module.ts", err: expect.objectContaining({ message: expect.stringContaining("Cannot find") }) };
    expect(seen.story).toEqual([["log", why, "the module of a handler does not load in a worker process"]]);
    const nowhere = await problem("no.such.action");
    expect(isFatal(nowhere) && nowhere.message).toMatch(/^The module of "no.such.action" exports no such handler; the server's log/);
  });
});
