/** Appends what became of core's mutants, with everything needed to repeat it, to tools/mutation/results. */
import { execFileSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Summary } from "./report.ts";

const RESULTS = join(import.meta.dirname, "../results");

export async function record(outcome: { readonly command: string; readonly tests: string } & Summary): Promise<void> {
  await mkdir(RESULTS, { recursive: true });
  const path = join(RESULTS, "core.json");
  const earlier = JSON.parse(await readFile(path, "utf8").catch(() => "[]")) as unknown[];
  await writeFile(path, `${JSON.stringify([...earlier, { ...surroundings(), ...outcome }], undefined, 2)}\n`);
}

function surroundings() {
  const git = (...args: readonly string[]): string => execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  return {
    commit: git("rev-parse", "--short", "HEAD"),
    uncommitted_changes: git("status", "--porcelain", "--", "../../../packages") !== "",
    date: new Date().toISOString(),
    node: process.version,
  };
}
