/** Streamer's stack with the handlers of torture on the local AWS. It is bundled once for all suites of a process. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startAwsLocal, synthesize, type AwsLocal } from "@streamer/aws-local";
import { once } from "@streamer/core";
import { createSwitchboard, type Switchboard } from "./switchboard.ts";

export interface Stack extends AwsLocal {
  readonly board: Switchboard;
  /** The newest lines that its functions wrote, to tell why something was broken. */
  readonly lines: readonly string[];
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const KEPT_LINES = 20_000;
/** Enough that requests overlap, few enough for a laptop: each is a process. */
const INSTANCES = 8;
const RUNS_AT_ONCE = "5";
/** A cold start waits its turn on a busy machine, and is no fault of its own. */
const INIT_TIMEOUT_MS = 60_000;
/** In place of a minute, so that what the sweep mends is seen mended. */
const SWEEP_MS = 5_000;

/** Made once for a process; or one that was made before, which `TORTURE_ASSEMBLY` names. */
const assembly = once(async () => {
  const made = process.env["TORTURE_ASSEMBLY"];
  if (made !== undefined) return made;
  const outFolder = await mkdtemp(join(tmpdir(), "streamer-torture-assembly-"));
  process.once("exit", () => rmSync(outFolder, { recursive: true, force: true }));
  await synthesize({
    app: path("../../../../apps/infra"),
    outFolder,
    context: { handlers: path("handlers.ts"), workConcurrency: RUNS_AT_ONCE },
  });
  return outFolder;
});

export async function startStack(): Promise<Stack> {
  const board = createSwitchboard();
  const lines: string[] = [];
  const aws = await startAwsLocal({
    assembly: await assembly(),
    faults: board.faults,
    dials: {
      lambda: { instances: INSTANCES, initTimeoutMs: INIT_TIMEOUT_MS, asyncRetryMs: [1_000, 2_000] },
      streams: { pollMs: 50, retryMs: [50, 500] },
      schedule: { periodMs: SWEEP_MS },
    },
    log: (name, line) => {
      lines.push(`${new Date().toISOString()} ${name} ${line}`);
      if (lines.length > KEPT_LINES) lines.shift();
    },
  });
  return { ...aws, board, lines };
}
