/**
 * request and watch against a real server, whose slow handler goes on when the test says so: as a process where signals
 * and the environment matter, in process elsewhere.
 */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { afterAll, beforeAll, expect, it } from "vitest";
import { defineHandler } from "@streamer/core";
import { startServer, type Server } from "@streamer/embedded";
import { jsonLines, streamer, type Running } from "./command.ts";
import { streamerHere, type Ran } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-cli-"));
const gate = new EventTarget();
let server: Server;

const stages = defineHandler({
  action: "stages",
  input: z.object({ stops: z.boolean().default(false), listens: z.boolean().default(true) }),
  async run({ stops, listens }, ctx) {
    for (let n = 1; n <= 60; n += 1) ctx.report(n / 2, `row ${n}`, { stage: "read" });
    if (stops) await once(gate as never, "go", listens ? { signal: ctx.signal } : {});
    for (let n = 61; n <= 120; n += 1) ctx.report(n / 1.25, `row ${n}`, { stage: "write" });
    return ctx.blobs.put("rows.csv", "a,b\n1,2\n");
  },
});
const warned = defineHandler({
  action: "warned",
  input: z.object({}),
  estimate: 1,
  run: () => ({ warnings: [{ kind: "bad_rows", message: "3 rows were left out.", count: 3 }], rows: 7 }),
});
const echo = defineHandler({ action: "echo", input: z.object({ n: z.number().optional() }), estimate: 1, run: (input) => input });

beforeAll(async () => {
  server = await startServer({ handlers: [stages, echo, warned], dataFolder: join(folder, "data"), logLevel: "silent" });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const access = (): readonly string[] => ["--url", server.url, "--data-folder", join(folder, "data")];
const spawned = (args: readonly string[], env: Record<string, string> = {}): Running =>
  streamer([...args, ...access()], { cwd: folder, env });
const run = (args: readonly string[], stdin = ""): Ran => streamerHere([...args, ...access()], { stdin });

it("prints the result alone on stdout, and exits 0", async () => {
  const command = spawned(["request", "echo", "--payload", '{"n":1}']);
  expect(await command.ended).toBe(0);
  expect(JSON.parse(command.stdout)).toEqual({ n: 1 });
});

it("tells what a result warns of before the result, on stderr", async () => {
  const command = run(["request", "warned"]);
  expect(await command.exitCode).toBe(0);
  expect(command.stderr).toContain("warning 3 rows were left out.");
  expect(JSON.parse(command.stdout)).toMatchObject({ rows: 7 });
  const json = run(["request", "warned", "--json"]);
  expect(await json.exitCode).toBe(0);
  expect(json.stderr).toBe("");
});

it("takes the payload from a file and from stdin", async () => {
  writeFileSync(join(folder, "in.json"), '{"n":2}');
  const [file, stdin] = [
    run(["request", "echo", "--payload", `@${join(folder, "in.json")}`]),
    run(["request", "echo", "--payload", "-"], '{"n":3}'),
  ];
  expect([await file.exitCode, await stdin.exitCode]).toEqual([0, 0]);
  expect([JSON.parse(file.stdout), JSON.parse(stdin.stdout)]).toEqual([{ n: 2 }, { n: 3 }]);
});

it("without a terminal prints plain lines, one per stage and ten percent, and downloads the file", async () => {
  const command = run(["request", "stages", "--out", join(folder, "out")]);
  expect(await command.exitCode).toBe(0);
  expect(command.stderr).not.toContain("\u001B");
  const lines = command.stderr.split("\n").filter((line) => line.includes(" %"));
  expect(lines.length).toBeLessThanOrEqual(14);
  expect(command.stderr).toMatch(/read: row/);
  expect(command.stderr).toMatch(/write: row 1/);
  expect(readFileSync(join(folder, "out", "rows.csv"), "utf8")).toBe("a,b\n1,2\n");
});

it("--json prints every event and the outcome as JSON lines", async () => {
  const command = run(["request", "stages", "--json", "--out", join(folder, "out-json")]);
  expect(await command.exitCode).toBe(0);
  expect(command.stderr).toBe("");
  const lines = jsonLines(command.stdout);
  expect(lines[0]).toMatchObject({ type: "acknowledgment", seq: 1 });
  expect(lines.at(-2)).toMatchObject({ type: "complete" });
  expect(lines.at(-1)).toMatchObject({ type: "outcome", status: "COMPLETED", file: join(folder, "out-json", "rows.csv") });
  const seqs = lines.flatMap(({ seq }) => (typeof seq === "number" ? [seq] : []));
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
});

it("ends quietly when nobody reads on", async () => {
  const command = streamer(["--help"], { cwd: folder, readsStdout: false });
  expect(await command.ended).toBe(0);
  expect(command.stderr).toBe("");
});

it("colours follow FORCE_COLOR and NO_COLOR", async () => {
  const bad = ["request", "nothing"];
  const [plain, coloured] = [spawned(bad, { NO_COLOR: "1" }), spawned(bad, { FORCE_COLOR: "1" })];
  expect([await plain.ended, await coloured.ended]).toEqual([1, 1]);
  expect(plain.stderr).toMatch(/^error INVALID_ACTION: /);
  expect(coloured.stderr).toContain("\u001B[31merror");
});

it("prints each validation issue with its path, and exits 1", async () => {
  const command = run(["request", "stages", "--payload", '{"stops":"yes"}']);
  expect(await command.exitCode).toBe(1);
  expect(command.stderr).toMatch(/error VALIDATION_ERROR: [^\n]+\n {2}payload\.stops: \S/);
  const json = run(["request", "stages", "--payload", '{"stops":"yes"}', "--json"]);
  expect(await json.exitCode).toBe(1);
  expect(jsonLines(json.stdout).at(-1)).toMatchObject({ type: "outcome", error: { code: "VALIDATION_ERROR" } });
});

it("P8: Ctrl-C cancels the running request, waits for the receipt, and exits 3", async () => {
  const command = spawned(["request", "stages", "--payload", '{"stops":true}', "--id", "cancelled"]);
  await command.printed("read: row");
  command.kill("SIGINT");
  expect(await command.ended).toBe(3);
  expect(command.stderr).toContain("Cancelled; the handler saw it and stopped.");
  const again = run(["watch", "cancelled", "--json"]);
  expect(await again.exitCode).toBe(3);
  expect(jsonLines(again.stdout).at(-1)).toMatchObject({ status: "CANCELLED", error: { code: "CANCELLED" } });
});

it("P8: Ctrl-C cancels one that waits, too", async () => {
  const command = run(["request", "echo", "--delay", "1h"]);
  await command.printed("scheduled");
  command.interrupt();
  expect(await command.exitCode).toBe(3);
});

it("P6: the command printed by a second Ctrl-C comes back to the request", async () => {
  const left = spawned(["request", "stages", "--payload", '{"stops":true,"listens":false}', "--id", "left"]);
  await left.printed("read: row");
  left.kill("SIGINT");
  await left.printed("Ctrl-C again leaves it running");
  left.kill("SIGINT");
  expect(await left.ended).toBe(130);
  const [, comeBack = ""] = /npx streamer (watch [^\n]+)/.exec(left.stderr) ?? [];
  const again = streamerHere(comeBack.split(" "));
  await again.printed("read: row");
  gate.dispatchEvent(new Event("go"));
  expect(await again.exitCode).toBe(3);
});

it("watch follows a running request from its beginning to its result", async () => {
  const first = run(["request", "stages", "--payload", '{"stops":true}', "--id", "watched"]);
  await first.printed("read: row");
  const second = run(["watch", "watched", "--json"]);
  await second.printed('"progress"');
  gate.dispatchEvent(new Event("go"));
  expect([await first.exitCode, await second.exitCode]).toEqual([0, 0]);
  expect(jsonLines(second.stdout)[0]).toMatchObject({ type: "acknowledgment", seq: 1 });
});

it("exits 4 when nothing listens, 5 when the token is refused or missing, 2 on wrong usage", async () => {
  const commands = [
    streamerHere(["request", "echo", "--url", "ws://127.0.0.1:9", "--token", "t"]),
    run(["request", "echo", "--token", "t.t.t"]),
    streamerHere(["request", "echo", "--data-folder", folder]),
    streamerHere(["request"]),
    streamerHere(["request", "echo", "--url", "nonsense", "--token", "t"]),
    run(["request", "echo", "--payload", "{"]),
    run(["request", "echo", "--priority", "10"]),
    run(["request", "echo", "--mode", "later"]),
    run(["request", "echo", "--timeout", "soon"]),
    streamerHere(["requst"]),
    streamerHere(["--help"]),
  ];
  expect(await Promise.all(commands.map(({ exitCode }) => exitCode))).toEqual([4, 5, 5, 2, 2, 2, 2, 2, 2, 2, 0]);
  expect(commands[0]!.stderr).toContain("streamer serve");
  expect(commands[9]!.stderr).toContain("Did you mean request?");
});
