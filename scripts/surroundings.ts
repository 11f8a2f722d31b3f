/** What a figure was measured with: everything that a reader needs to measure it again. */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";

export interface Surroundings {
  readonly commit: string;
  /** Whether the packages differed from that commit. */
  readonly uncommitted_changes: boolean;
  /** ISO 8601. */
  readonly date: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
}

const ROOT = new URL("..", import.meta.url);
const git = (...args: readonly string[]): string => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();

export const surroundings = (): Surroundings => ({
  commit: git("rev-parse", "--short", "HEAD"),
  uncommitted_changes: git("status", "--porcelain", "--", "packages") !== "",
  date: new Date().toISOString(),
  node: process.version,
  cpu: cpus()[0]!.model,
  cores: availableParallelism(),
});
