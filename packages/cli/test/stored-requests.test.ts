/** list, get and cancel, in process, on a real server with requests of every kind. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connect } from "@streamer/client";
import { Fatal, defineHandler } from "@streamer/core";
import { startServer, type Server } from "@streamer/embedded";
import { jsonLines } from "./command.ts";
import { streamerHere, type Ran } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-stored-"));
let server: Server;

const hold = defineHandler({
  action: "hold",
  input: z.object({}),
  async run(_, ctx) {
    ctx.report(25, "holding", { stage: "wait" });
    await once(ctx.signal, "abort");
    throw ctx.signal.reason;
  },
});
const sum = defineHandler({
  action: "sum",
  input: z.array(z.number()),
  run(numbers) {
    if (numbers.length === 0) throw new Fatal("nothing to add");
    return numbers.reduce((total, number) => total + number, 0);
  },
});

beforeAll(async () => {
  server = await startServer({ handlers: [hold, sum], dataFolder: join(folder, "data"), logLevel: "silent" });
  const token = await server.developmentToken({ userId: "developer" });
  await using client = connect(server.url, { token });
  const settle = (id: string, payload: readonly number[]) =>
    client.request("sum", payload, { id, mode: "async", metadata: { page: "a", draft: true } }).result.catch(() => undefined);
  await settle("three", [1, 2]);
  await settle("empty", []);
  await settle("five", [2, 3]);
  const running = client.request("hold", {}, { id: "held" });
  for await (const { percentage } of running.progress) if (percentage === 25) break;
  await client.request("sum", [1], { id: "later", delayMs: 3_600_000 }).accepted;
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const streamer = (...args: readonly string[]): Ran => streamerHere([...args, "--url", server.url, "--data-folder", join(folder, "data")]);
const idsOf = (ran: Ran): readonly unknown[] => jsonLines(ran.stdout).map(({ request_id: id }) => id);

it("list prints the newest first, as a table for people", async () => {
  const list = streamer("list");
  expect(await list.exitCode).toBe(0);
  const [headings, ...rows] = list.stdout.trimEnd().split("\n");
  expect(headings).toMatch(/^ID +ACTION +STATUS +AGE$/);
  expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
    ["later", "sum", "PENDING", expect.stringMatching(/ s$/), expect.stringMatching(/^scheduled for \d\d:/)],
    ["held", "hold", "PROCESSING", expect.any(String), "25 % wait: holding"],
    ["five", "sum", "COMPLETED", expect.any(String)],
    ["empty", "sum", "FAILED", expect.any(String), "PROCESSING_FAILED"],
    ["three", "sum", "COMPLETED", expect.any(String)],
  ]);
});

it("list filters by status, action and time, says when there are more, and prints JSON lines of the protocol's names", async () => {
  const [failed, sums, old, first] = [
    streamer("list", "--status", "failed", "--json"),
    streamer("list", "--action", "sum", "--all", "--json"),
    streamer("list", "--until", "1h"),
    streamer("list", "--limit", "1"),
  ];
  expect(await Promise.all([failed, sums, old, first].map(({ exitCode }) => exitCode))).toEqual([0, 0, 0, 0]);
  expect(jsonLines(failed.stdout)).toMatchObject([
    {
      request_id: "empty",
      status: "FAILED",
      error: { code: "PROCESSING_FAILED", message: "nothing to add" },
      metadata: { page: "a", draft: true },
    },
  ]);
  expect(idsOf(sums)).toEqual(["later", "five", "empty", "three"]);
  expect([old.stdout, old.stderr]).toEqual(["", "No such requests.\n"]);
  expect(first.stdout.trimEnd().split("\n")).toHaveLength(2);
  expect(first.stderr).toContain("--all");
});

it("get tells all there is of one request", async () => {
  const [text, json, none] = [streamer("get", "five"), streamer("get", "empty", "--json"), streamer("get", "none", "--json")];
  expect(await Promise.all([text, json, none].map(({ exitCode }) => exitCode))).toEqual([0, 0, 1]);
  expect(text.stdout).toMatch(/^status +COMPLETED$/m);
  expect(text.stdout).toMatch(/^result +5$/m);
  expect(text.stdout).toMatch(/^metadata page +a$/m);
  expect(text.stdout).toMatch(/^metadata draft +true$/m);
  expect(jsonLines(json.stdout)).toMatchObject([{ request_id: "empty", status: "FAILED", error: { message: "nothing to add" } }]);
  expect(jsonLines(none.stderr)).toMatchObject([{ type: "error", error: { code: "NOT_FOUND" } }]);
});

it("P8: cancel waits for each receipt; what had ended or is not known makes it exit 1", async () => {
  const both = streamer("cancel", "held", "later", "--reason", "not needed");
  expect(await both.exitCode).toBe(0);
  expect(both.stdout).toContain("held: Cancelled; the handler saw it and stopped.");
  expect(both.stdout).toContain("later: Cancelled.");
  const mixed = streamer("cancel", "held", "five", "none", "--json");
  expect(await mixed.exitCode).toBe(1);
  expect(jsonLines(mixed.stdout)).toEqual(
    expect.arrayContaining([
      { request_id: "held", stage: "stopped", observed: expect.any(Boolean) },
      { request_id: "five", stage: "too_late", observed: false },
    ]),
  );
  expect(jsonLines(mixed.stderr)).toMatchObject([{ error: { code: "NOT_FOUND" } }]);
});
