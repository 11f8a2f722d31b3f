/** The demo as a user runs it: server, report, signed link, file, and everything gone again. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { jsonLines, streamer } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-demo-"));
const demo = (...args: readonly string[]) => streamer(["demo", "--data", "shop", ...args], { cwd: folder });

beforeAll(async () => {
  await streamer(["sample-data", "--rows", "5e3", "--out", "shop"], { cwd: folder }).ended;
});
afterAll(() => rmSync(folder, { recursive: true }));

it("makes a PDF from request to file, says where it is, and exits 0", async () => {
  const command = demo();
  expect(await command.ended).toBe(0);
  const [, path = ""] = /Saved (\S+\.pdf) /.exec(command.stdout) ?? [];
  expect(path).toBe(join(folder, "streamer-demo", "report-2025-01-01-to-2025-12-31.pdf"));
  expect(readFileSync(path).subarray(0, 5).toString()).toBe("%PDF-");
  for (const stage of ["query", "process", "generate", "finalize"]) expect(command.stderr).toContain(` ${stage}: `);
  expect(command.stdout).toMatch(/revenue +[\d,]+/);
  expect(command.stdout + command.stderr).not.toContain("\u001B");
});

it("makes CSV without charts elsewhere, as JSON lines for scripts", async () => {
  const command = demo("--format", "csv", "--no-charts", "--type", "quarterly", "--out", "elsewhere", "--json");
  expect(await command.ended).toBe(0);
  const outcome = jsonLines(command.stdout).at(-1) as { file: string; result: { records: number } };
  expect(outcome).toMatchObject({ type: "outcome", status: "COMPLETED" });
  expect(readFileSync(outcome.file, "utf8").trimEnd().split("\n")).toHaveLength(outcome.result.records + 1);
});

it("makes the same on AWS, run on this machine: the deployed functions, the file in S3, a signed link", { timeout: 180_000 }, async () => {
  const command = streamer(["demo", "--data", "shop", "--engine", "aws-local", "--out", "cloud", "--json"], {
    cwd: folder,
    patienceMs: 170_000,
  });
  expect(await command.ended).toBe(0);
  const outcome = jsonLines(command.stdout).at(-1) as { file: string; result: { url: string } };
  expect(outcome).toMatchObject({ type: "outcome", status: "COMPLETED" });
  expect(outcome.result.url).toContain("X-Amz-Signature=");
  expect(readFileSync(outcome.file).subarray(0, 5).toString()).toBe("%PDF-");
});

it("cleans up on Ctrl-C: cancelled, exit 3, no file, and its data folder is free again", async () => {
  const command = demo("--out", "broken-off");
  await command.printed("Server at");
  command.kill("SIGINT");
  expect(await command.ended).toBe(3);
  expect(readdirSync(join(folder, "broken-off"))).toEqual(["server"]);
  const again = demo("--out", "broken-off");
  expect(await again.ended).toBe(0);
});

it("fails clearly: a wrong date is a validation error, a wrong mapping a usage error", async () => {
  const date = streamer(["demo", "--data", "shop", "--start", "2025-01-01", "--end", "2025-02-30"], { cwd: folder });
  mkdirSync(join(folder, "bad"));
  writeFileSync(join(folder, "bad", "sources.json"), '{"title":"x"}');
  const mapping = streamer(["demo", "--data", "bad", "--start", "2025-01-01", "--end", "2025-12-31"], { cwd: folder });
  expect([await date.ended, await mapping.ended]).toEqual([1, 2]);
  expect(date.stderr).toMatch(/VALIDATION_ERROR[\s\S]+end_date/);
  expect(mapping.stderr).toMatch(/mapping "sources.json" is not valid: currency/);
  expect(existsSync(join(folder, "streamer-demo", "report-2025-01-01-to-2025-02-30.pdf"))).toBe(false);
});
