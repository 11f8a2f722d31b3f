/** Several requests at once, Ctrl-C on them, and a network that is cut, in process on a real server. */
import { EventEmitter, once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startChaosProxy } from "@streamer/contract/chaos-proxy";
import { Fatal, defineHandler } from "@streamer/core";
import { startServer, type Server } from "@streamer/embedded";
import { jsonLines } from "./command.ts";
import { streamerHere, type Ran, type Surroundings } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-several-"));
const gate = new EventEmitter();
let server: Server;

const step = defineHandler({
  action: "step",
  estimate: 60_000,
  input: z.object({
    name: z.string().default("one"),
    waits: z.boolean().default(false),
    fails: z.boolean().default(false),
    listens: z.boolean().default(true),
  }),
  async run({ name, waits, fails, listens }, ctx) {
    ctx.report(40, `${name} works`, { stage: "work" });
    if (waits) await once(gate, "go", listens ? { signal: ctx.signal } : {});
    if (fails) throw new Fatal(`${name} cannot`);
    return ctx.blobs.put("name.txt", name);
  },
});

beforeAll(async () => {
  server = await startServer({ handlers: [step], dataFolder: join(folder, "data"), logLevel: "silent" });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const streamer = (args: readonly string[], surroundings?: Surroundings & { readonly url?: string }): Ran =>
  streamerHere([...args, "--url", surroundings?.url ?? server.url, "--data-folder", join(folder, "data")], surroundings);
const payloads = (...inputs: readonly object[]): string[] => inputs.flatMap((input) => ["--payload", JSON.stringify(input)]);

it("a payload each is a request each: a line for every end, each file in a folder of its own, and the lowest exit code", async () => {
  const out = join(folder, "out");
  const ran = streamer(["request", "step", ...payloads({ name: "a" }, { name: "b" }, { name: "c", fails: true }), "--out", out]);
  expect(await ran.exitCode).toBe(1);
  const outcomes = jsonLines(ran.stdout);
  expect(outcomes.map(({ status }) => String(status)).toSorted()).toEqual(["COMPLETED", "COMPLETED", "FAILED"]);
  expect(outcomes.find(({ status }) => status === "FAILED")).toMatchObject({ type: "outcome", error: { message: "c cannot" } });
  expect(ran.stderr).toMatch(/^error \w+: PROCESSING_FAILED: c cannot$/m);
  expect(ran.stderr).toMatch(/^\w{11}… +40 % {2}work: a works/m);
  const names = readdirSync(out).map((id) => readFileSync(join(out, id, "name.txt"), "utf8"));
  expect(names.toSorted()).toEqual(["a", "b"]);
});

it("takes a request from each line of a file and of stdin", async () => {
  writeFileSync(join(folder, "lines"), '{"name":"x"}\n\n{"name":"y"}\n');
  const [file, stdin] = [
    streamer(["request", "step", "--payloads", join(folder, "lines"), "--json"]),
    streamer(["request", "step", "--payloads", "-"], { stdin: '{"name":"z"}' }),
  ];
  expect([await file.exitCode, await stdin.exitCode]).toEqual([0, 0]);
  const lines = jsonLines(file.stdout);
  expect(lines.filter(({ type }) => type === "outcome")).toHaveLength(2);
  expect(new Set(lines.map(({ request_id: id }) => id)).size).toBe(2);
  expect(JSON.parse(stdin.stdout)).toMatchObject({ sizeBytes: expect.any(Number) });
});

it("draws a bar for each on a terminal, below what is printed meanwhile", async () => {
  const ran = streamer(["request", "step", ...payloads({ name: "slow", waits: true }, { name: "quick" })], { columns: 80 });
  await ran.printed("1 of 2 done, 1 running");
  expect(ran.stderr).toMatch(/█{6}\S*░{10}\S* {2}40 % {2}work: slow works/);
  gate.emit("go");
  expect(await ran.exitCode).toBe(0);
  expect(ran.stderr.split("\u001B[J").at(-1)).toContain("2 of 2 done, 0 running");
});

it("P8: Ctrl-C cancels all that go on, waits for each receipt, and exits 3", async () => {
  const ran = streamer(["request", "step", ...payloads({ name: "a", waits: true }, { name: "b", waits: true })]);
  await Promise.all([ran.printed("a works"), ran.printed("b works")]);
  ran.interrupt();
  expect(await ran.exitCode).toBe(3);
  expect(ran.stderr).toContain("Cancelling 2; Ctrl-C again leaves them running.");
  expect(ran.stderr.match(/^\w+: Cancelled; the handler saw it and stopped\.$/gm)).toHaveLength(2);
});

it("a second Ctrl-C leaves them running and says how to come back, with nothing else said of them", async () => {
  const stubborn = payloads({ name: "a", waits: true, listens: false }, { name: "b", waits: true, listens: false });
  const [text, json] = [streamer(["request", "step", ...stubborn]), streamer(["request", "step", "--json", ...stubborn])];
  for (const ran of [text, json]) {
    await Promise.all([ran.printed("a works"), ran.printed("b works")]);
    ran.interrupt();
    ran.interrupt();
    expect(await ran.exitCode).toBe(130);
  }
  expect(text.stdout).toBe("");
  expect(text.stderr).not.toContain("CLIENT_CLOSED");
  expect(text.stderr).toMatch(/error Left running\. Come back with:\n {2}npx streamer watch \w{32} \w{32} --url [^\n]+\n$/);
  expect(jsonLines(json.stdout).slice(-2)).toMatchObject([
    { error: { code: "LEFT_RUNNING" } },
    { type: "outcome", error: { code: "LEFT_RUNNING" } },
  ]);
  gate.emit("go");
});

it("sends and goes with --detach; a request that was left is come back to, several at once", async () => {
  const sent = streamer(["request", "step", "--detach", ...payloads({ name: "a", waits: true }, { name: "b", waits: true })]);
  expect(await sent.exitCode).toBe(0);
  const ids = sent.stdout.trim().split("\n");
  const watch = streamer(["watch", ...ids]);
  await Promise.all([watch.printed("a works"), watch.printed("b works")]);
  gate.emit("go");
  expect(await watch.exitCode).toBe(0);
  expect(
    jsonLines(watch.stdout)
      .map(({ request_id: id }) => String(id))
      .toSorted(),
  ).toEqual(ids.toSorted());
});

it("P6: a cut network is told of, and the run is followed on to its result", async () => {
  await using proxy = await startChaosProxy({ target: { port: Number(new URL(server.url).port) }, seed: 1 });
  proxy.calm();
  const ran = streamer(["request", "step", ...payloads({ waits: true })], { url: `ws://127.0.0.1:${proxy.port}` });
  await ran.printed("one works");
  proxy.cutAll();
  await ran.printed("Connected again.");
  expect(ran.stderr).toMatch(/was lost.* Reconnecting; nothing is lost\./);
  gate.emit("go");
  expect(await ran.exitCode).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({ sizeBytes: expect.any(Number) });
});

it("refuses what cannot be meant", async () => {
  writeFileSync(join(folder, "empty"), "\n");
  writeFileSync(join(folder, "broken"), "{}\n{\n");
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [["--payload", "{", "--payload", "{}"], /from --payload is not JSON/],
    [["--payloads", join(folder, "empty")], /no line of JSON/],
    [["--payloads", join(folder, "broken")], /broken, line 2, is not JSON/],
    [["--payloads", "-", "--payload", "{}"], /not both/],
    [[...payloads({}, {}), "--id", "x"], /name one request/],
    [["--detach", "--mode", "sync"], /cannot be with --mode sync/],
    [["--detach", "--out", "."], /does not wait/],
  ];
  for (const [args, problem] of wrong) {
    const ran = streamer(["request", "step", ...args]);
    expect([args, await ran.exitCode, ran.stderr]).toEqual([args, 2, expect.stringMatching(problem)]);
  }
});
