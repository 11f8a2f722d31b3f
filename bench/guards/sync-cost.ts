/** What one sync request costs, by what it costs the floor: in CPU with a collector as it is, and in memory without one. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Burst, Bursts } from "./sync-process.ts";

export interface SyncCost {
  readonly cpuToFloor: number;
  readonly bytesToFloor: number;
}

/** In MB: what is allocated in a burst is not collected before it ends. */
const YOUNG_SPACE = 256;
const ROOMY = [`--min-semi-space-size=${YOUNG_SPACE}`, `--max-semi-space-size=${YOUNG_SPACE}`];

export async function measureSyncCost(): Promise<SyncCost> {
  return {
    cpuToFloor: ratioOf(await burstsWith([]), ({ cpuUs }) => cpuUs),
    bytesToFloor: ratioOf(await burstsWith(ROOMY), ({ bytes, collections }) => {
      if (collections > 0) throw new Error(`There were ${collections} collections while allocations were counted.`);
      return bytes;
    }),
  };
}

async function burstsWith(flags: readonly string[]): Promise<Bursts> {
  const child = fork(join(import.meta.dirname, "sync-process.ts"), {
    execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning", ...flags],
  });
  const ended = once(child, "exit").then(([code]) => Promise.reject(new Error(`The servers' process ended with ${String(code)}.`)));
  const [bursts] = (await Promise.race([once(child, "message"), ended])) as [Bursts];
  await ended.catch(() => undefined);
  return bursts;
}

/**
 * The median of what each burst took by the one behind it: a processor that is shared is twice as fast in one moment as in
 * another, but seldom changes between two bursts.
 */
function ratioOf({ streamer, floor }: Bursts, cost: (burst: Burst) => number): number {
  const ratios = streamer.map((burst, n) => cost(burst) / cost(floor[n]!)).toSorted((a, b) => a - b);
  return ratios[ratios.length >> 1]!;
}
