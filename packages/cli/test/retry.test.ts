/** streamer retry, in process on a real server whose handler fails until it is mended. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { connect, type Client } from "@streamer/client";
import { Fatal, defineHandler } from "@streamer/core";
import { startServer, type Server } from "@streamer/embedded";
import { jsonLines } from "./command.ts";
import { streamerHere, type Ran, type Surroundings } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-retry-"));
let server: Server;
let client: Client;
let isMended = false;
let made = 0;
let ids: readonly string[] = [];

const fetchRates = defineHandler({
  action: "fetch_rates",
  input: z.object({}),
  run() {
    if (!isMended) throw new Fatal("the source is down");
    return "rates";
  },
});

beforeAll(async () => {
  server = await startServer({ handlers: [fetchRates], dataFolder: join(folder, "data"), logLevel: "silent" });
  client = connect(server.url, { token: await server.developmentToken({ userId: "developer" }) });
});
afterAll(async () => {
  await client.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  isMended = false;
  const failing = Array.from({ length: 2 }, () => client.request("fetch_rates", {}, { id: `rates-${(made += 1)}`, mode: "async" }));
  await Promise.allSettled(failing.map(({ result }) => result));
  ids = failing.map(({ id }) => id);
  isMended = true;
});

const retry = (args: readonly string[], surroundings?: Surroundings): Ran =>
  streamerHere(["retry", ...args, "--url", server.url, "--data-folder", join(folder, "data")], surroundings);
const statuses = async (): Promise<readonly string[]> => Promise.all(ids.map(async (id) => (await client.get(id)).status));
const ended = (): Promise<unknown> => Promise.all(ids.map((id) => client.attach(id).result));

it("by id: prints each when it is queued again, goes on after one that cannot be", async () => {
  const ran = retry([ids[0]!, "none", ids[1]!]);
  expect(await ran.exitCode).toBe(1);
  expect(ran.stdout).toBe(`${ids[0]}\n${ids[1]}\n`);
  expect(ran.stderr).toMatch(/^error NOT_FOUND/);
  expect(await ended()).toEqual(["rates", "rates"]);
});

it("--watch follows to the end", async () => {
  const ran = retry([ids[0]!, "--watch"]);
  expect(await ran.exitCode).toBe(0);
  expect(JSON.parse(ran.stdout)).toBe("rates");
  await retry([ids[1]!, "--watch"]).exitCode;
});

it("by filter: --dry-run shows what matches and does nothing", async () => {
  const [text, json] = [
    retry(["--status", "FAILED", "--since", "1h", "--dry-run"]),
    retry(["--action", "fetch_rates", "--dry-run", "--json"]),
  ];
  expect([await text.exitCode, await json.exitCode]).toEqual([0, 0]);
  expect(text.stdout).toMatch(/^2 FAILED requests match:\n {2}actions {2}fetch_rates 2\n {2}errors {3}PROCESSING_FAILED 2\n/);
  expect(text.stdout).toContain(`newest   ${ids[1]}, ${ids[0]}\n`);
  expect(jsonLines(json.stdout)).toMatchObject([{ count: 2, by_action: { fetch_rates: 2 }, request_ids: ids.toReversed() }]);
  expect(await statuses()).toEqual(["FAILED", "FAILED"]);
  await retry(["--status", "FAILED", "--yes", "--watch"]).exitCode;
});

it("by filter: asks, does nothing without a yes, all with one", async () => {
  const no = retry(["--status", "failed"], { columns: 80, stdin: "\n" });
  expect(await no.exitCode).toBe(3);
  expect(no.stderr).toMatch(/2 FAILED requests match:[\s\S]+Run all 2 again\? \[y\/N\] Nothing was done\.\n$/);
  expect(await statuses()).toEqual(["FAILED", "FAILED"]);
  const yes = retry(["--status", "FAILED"], { columns: 80, stdin: "y\n" });
  expect(await yes.exitCode).toBe(0);
  expect(yes.stdout.trim().split("\n").toSorted()).toEqual(ids);
  expect(await ended()).toEqual(["rates", "rates"]);
});

it("by filter: without a terminal or with --json it needs --yes", async () => {
  const [blind, json] = [retry(["--status", "FAILED"]), retry(["--status", "FAILED", "--json"])];
  expect([await blind.exitCode, await json.exitCode]).toEqual([2, 2]);
  expect(blind.stderr).toContain("give --yes to go ahead, or --dry-run");
  const yes = retry(["--status", "FAILED", "--limit", "1", "--yes", "--json"]);
  expect(await yes.exitCode).toBe(0);
  expect(jsonLines(yes.stdout)).toEqual([{ request_id: ids[1], status: expect.any(String) }]);
  await retry(["--status", "FAILED", "--yes", "--watch"]).exitCode;
  const none = retry(["--status", "FAILED", "--yes"]);
  expect([await none.exitCode, none.stdout, none.stderr]).toEqual([0, "", "No FAILED request matches.\n"]);
});

it.each([
  [[], /Which ones\?/],
  [["--status", "COMPLETED"], /Only FAILED requests/],
  [["--status", "LOST"], /Allowed choices are PENDING/],
  [["x", "--action", "y"], /not both/],
])("refuses %j", async (args, problem) => {
  const ran = retry(args);
  expect([await ran.exitCode, ran.stderr]).toEqual([2, expect.stringMatching(problem)]);
});
