/** The client by its one command. Against every engine it is run by the wire suite. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("starts by one command, follows the request live, and ends with its result", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, "start.ts")]);
  const lines = stdout.trim().split("\n");
  expect(lines[0]).toMatch(/^acknowledgment (?:queued|processing): /);
  expect(lines.filter((line) => /^progress \d+(?:\.\d+)? % up to \d+/.test(line)).length).toBeGreaterThan(1);
  // n (n + 1) (2 n + 1) / 6
  expect(lines.at(-1)).toBe('complete {"sum":"41666679166667500000"}');
});
