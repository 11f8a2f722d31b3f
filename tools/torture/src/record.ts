/** Appends what a suite counted, with everything needed to repeat it, to tools/torture/results. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import type { Row, Size } from "./suite.ts";

export interface Record {
  readonly suite: string;
  readonly size: Size;
  readonly count: number;
  readonly unit: string;
  readonly seed: number;
  readonly seconds: number;
  readonly figures: readonly Row[];
  readonly broken: readonly string[];
}

const RESULTS = join(import.meta.dirname, "../results");

export function record(outcome: Record): void {
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `${outcome.suite}.json`);
  const earlier = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as unknown[]) : [];
  writeFileSync(path, `${JSON.stringify([...earlier, { ...surroundings(), ...outcome }], undefined, 2)}\n`);
}

function surroundings() {
  const git = (...args: readonly string[]): string => execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  return {
    commit: git("rev-parse", "--short", "HEAD"),
    uncommitted_changes: git("status", "--porcelain", "--", "../../../packages") !== "",
    date: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]!.model,
    cores: availableParallelism(),
  };
}
