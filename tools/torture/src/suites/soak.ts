/**
 * Work of every kind at a low rate for a long time, by clients that are cut off now and then: what the server holds does
 * not grow. The heap is measured after a full collection, so that what counts is what is kept.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { startLoad, type Load } from "../load.ts";
import { fixedPort, startProcess, type ServerProcess } from "../server/start.ts";
import { counted, heapTrend, judgeGrowth, type Sample } from "../soak/growth.ts";
import type { Suite } from "../suite.ts";

const CLIENTS = 4;
const PAUSE_MS = 400;
const SAMPLE_MS = 2_000;
const CUT_EVERY_SAMPLES = 4;
const MIB = 1_048_576;
const MS_PER_HOUR = 3_600_000;
const RETENTION_MS = 60_000;
/** What is past its retention is forgotten every five minutes; half a minute for a slow one. */
const KEPT_MS = RETENTION_MS + 330_000;

export const soak: Suite = {
  name: "soak",
  fault: "nothing but time: work of every kind at a low rate",
  unit: "minutes",
  counts: { ci: 3, release: 60 },
  limitSeconds: { ci: 300, release: 3_900 },
  async run({ count, random, scratch, signal, tell }) {
    const dataFolder = join(scratch, "data");
    await using server = await startProcess({ dataFolder, port: await fixedPort(random), options: { retentionMs: RETENTION_MS } });
    const load = startLoad({ ...server, random, clients: CLIENTS, name: "k", pauseMs: PAUSE_MS, retentionMs: RETENTION_MS, signal });
    const sampler = createSampler(server, load, dataFolder);
    const samples: Sample[] = [];
    const memory: number[] = [];
    const isEnough = (): boolean => (samples.at(-1)?.hours ?? 0) * 60 >= count;
    while (!isEnough() && !signal.aborted) {
      samples.push(await sampler());
      memory.push(await server.memoryMiB());
      if (samples.length % CUT_EVERY_SAMPLES === 0) load.cutOne();
      if (samples.length % 30 === 0) tell(`${load.ended} requests ended, heap ${samples.at(-1)!.heapMiB.toFixed(1)} MiB`);
      await pass(SAMPLE_MS);
    }
    await load.stop();
    const kept = counted(samples);
    const broken = [...(kept.length > 2 ? judgeGrowth(kept) : []), ...(await load.verdict({ isSteady: true }))];
    load.close();
    await server.stop();
    const { slope, error } = heapTrend(kept);
    const [first, last] = [kept[0]!, kept.at(-1)!];
    return {
      figures: [
        {
          minutes: Math.round(last.hours * 600) / 10,
          requests_ended: load.ended,
          heap_mib: `${first.heapMiB.toFixed(1)} → ${last.heapMiB.toFixed(1)}`,
          heap_mib_per_hour: `${slope.toFixed(1)} ± ${error.toFixed(1)}`,
          rss_mib: `${memory.at(-kept.length)!} → ${memory.at(-1)!}`,
          descriptors: `${first.descriptors} → ${last.descriptors}`,
          unexplained_files: `${first.unexplainedFiles} → ${last.unexplainedFiles}`,
        },
      ],
      broken,
    };
  },
};

function createSampler(server: ServerProcess, load: Load, dataFolder: string): () => Promise<Sample> {
  const from = performance.now();
  /** How many requests with a file had ended by when. */
  const filesAsked: { readonly at: number; readonly ended: number }[] = [];
  return async () => {
    const at = performance.now();
    filesAsked.push({ at, ended: load.endedOf("torture.file") });
    const forgotten = filesAsked.findLast((one) => one.at < at - KEPT_MS)?.ended ?? 0;
    const entries = await readdir(dataFolder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).length;
    const { heapBytes } = await server.measure();
    return {
      hours: (at - from) / MS_PER_HOUR,
      heapMiB: heapBytes / MIB,
      descriptors: await server.descriptors(),
      unexplainedFiles: Math.max(0, files - (load.endedOf("torture.file") - forgotten)),
    };
  };
}
