/**
 * Gives a test run one temporary folder of its own, removed with everything in it at the end. Asked by each project, and
 * made for the first: one within another would make paths longer than a socket's may be.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const VARIABLE = "STREAMER_TEST_FOLDER";

export async function setup(): Promise<() => Promise<void>> {
  if (process.env[VARIABLE] !== undefined) return () => Promise.resolve();
  const folder = await mkdtemp(join(tmpdir(), "streamer-tests-"));
  process.env["TMPDIR"] = folder;
  process.env[VARIABLE] = folder;
  return () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
