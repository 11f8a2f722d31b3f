/** Runs one suite within its time, in a folder of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "@streamer/contract/random";
import { deadline } from "./deadline.ts";
import type { Record } from "./record.ts";
import type { Size, Suite } from "./suite.ts";

export interface RunTerms {
  readonly size: Size;
  readonly seed: number;
  readonly count?: number;
  readonly signal?: AbortSignal;
  readonly tell: (text: string) => void;
}

/** Resolves also when the suite failed to run or was aborted: that is told among what was broken. */
export async function runSuite(suite: Suite, { size, seed, count = suite.counts[size], signal, tell }: RunTerms): Promise<Record> {
  const scratch = await mkdtemp(join(tmpdir(), `streamer-torture-${suite.name}-`));
  const stop = deadline(1_000 * suite.limitSeconds[size], ...(signal ? [signal] : []));
  const started = performance.now();
  const about = { suite: suite.name, size, count, unit: suite.unit, seed };
  const seconds = (): number => Math.round((performance.now() - started) / 100) / 10;
  try {
    const { figures, broken } = await suite.run({ size, count, seed, random: createRandom(seed), scratch, signal: stop, tell });
    const cutShort = stop.aborted ? [`stopped after ${seconds()} s, before it was done`] : [];
    return { ...about, seconds: seconds(), figures, broken: [...broken, ...cutShort] };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ...about, seconds: seconds(), figures: [], broken: [`could not be run to its end: ${text}`] };
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
