/** One run: a peer is started, one case is done to it, and everything ends again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { Case } from "./cases.ts";
import { onCpu, owned } from "./children.ts";
import type { Figures } from "./driver/figures.ts";
import type { FromDriver, Task } from "./driver/main.ts";
import type { Peer } from "./peers.ts";
import { runsLog, startStack, type Stack } from "./stack.ts";

/** Loopback alone, for as long as a run lasts. */
const SECRET = "of-loopback-servers-that-live-for-one-run";

const DRIVER = join(import.meta.dirname, "driver/main.ts");

export interface Run {
  readonly peer: string;
  readonly case: string;
  readonly figures?: Figures;
  /** Why there are none. */
  readonly failure?: string;
}

export interface Terms {
  /** Where Streamer is imported from. */
  readonly streamerModule: string;
  /** Ends the run, which then has failed for its reason. */
  readonly signal: AbortSignal;
}

export async function measureOnce(peer: Peer, one: Case, { streamerModule, signal }: Terms): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), "streamer-peers-"));
  // PostgreSQL's own user reads in it.
  await chmod(folder, 0o755);
  const isPinned = one.isPinned && availableParallelism() > 1;
  const { scenario, slots } = one;
  let stack: Stack | undefined;
  try {
    stack = await startStack({ peer, scenario, slots, folder, cpu: isPinned ? 0 : undefined, streamerModule, secret: SECRET });
    const figures = await drive(stack, { peer, one, cpu: isPinned ? 1 : undefined, signal });
    return { peer: peer.name, case: one.name, figures: { ...figures, ...runsOf(folder) } };
  } catch (error) {
    return { peer: peer.name, case: one.name, failure: error instanceof Error ? error.message : String(error) };
  } finally {
    await stack?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Driven {
  readonly peer: Peer;
  readonly one: Case;
  readonly cpu: number | undefined;
  readonly signal: AbortSignal;
}

async function drive({ port, pids, holderPid, crash }: Stack, { peer, one, cpu, signal }: Driven): Promise<Figures> {
  signal.throwIfAborted();
  const task: Task = { load: one.load, wire: peer.wire, port, secret: SECRET, peerPids: pids, holderPid };
  const [command, ...args] = onCpu(cpu, [process.execPath, DRIVER, JSON.stringify(task)]);
  const driver = owned(spawn(command!, args, { stdio: ["ignore", "inherit", "inherit", "ipc"], serialization: "advanced" }));
  const ended = once(driver, "exit");
  let restartMs: Promise<number> | undefined;
  const answer = new Promise<Figures>((resolve, reject) => {
    driver.on("message", (message: FromDriver) => {
      if ("figures" in message) resolve(message.figures);
      else if ("failure" in message) reject(new Error(message.failure));
      else {
        restartMs = crash();
        restartMs.catch(reject);
      }
    });
    driver.on("error", reject);
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    driver.on("exit", (code) => reject(new Error(`The driver ended with ${code}.`)));
  });
  try {
    const figures = await answer;
    return { ...figures, ...(restartMs && { restartS: (await restartMs) / 1_000 }) };
  } finally {
    driver.kill();
    await ended;
  }
}

/** How often handlers of the killed jobs began, and how many ran to their end more than once. */
function runsOf(folder: string): Figures {
  const path = runsLog(folder);
  if (!existsSync(path)) return {};
  const lines = readFileSync(path, "utf8").trim().split("\n");
  const ends = lines.filter((line) => line.startsWith("end ")).map((line) => line.split(" ")[1]!);
  return { starts: lines.length - ends.length, ranTwice: ends.length - new Set(ends).size };
}
