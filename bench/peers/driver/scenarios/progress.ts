/** Jobs that report: all are submitted at once, as many run at a time as there are slots. */
import { nowUs } from "../../../clock.ts";
import { figuresOf, type Figures } from "../figures.ts";
import { createSamples } from "../samples.ts";
import type { Stand } from "../stand.ts";
import { runBatch } from "./jobs.ts";

export interface ProgressTerms {
  readonly connections: number;
  readonly warmUp: number;
  readonly total: number;
  /** Updates of one job, evenly spread over `ms`. */
  readonly steps: number;
  readonly ms: number;
}

const WARM_UP = { steps: 10, ms: 200 };

export async function progress(stand: Stand, { connections, warmUp, total, steps, ms }: ProgressTerms): Promise<Figures> {
  await stand.connect(connections);
  await runBatch(stand, { total: warmUp, inFlight: Math.ceil(warmUp / connections), kind: "progress", data: () => WARM_UP });
  const ages = createSamples();
  const newest = new Uint8Array(total);
  const seen = new Uint16Array(total);
  const isOver = new Uint8Array(total);
  let [disordered, unfinished] = [0, 0];
  const { taken, astray } = await runBatch(stand, {
    total,
    inFlight: Math.ceil(total / connections),
    kind: "progress",
    data: () => ({ steps, ms }),
    heard: {
      progress(id, percentage, madeAtUs) {
        ages.add(nowUs() - madeAtUs);
        seen[id]! += 1;
        if (percentage <= newest[id]! || isOver[id]) disordered += 1;
        newest[id] = percentage;
      },
      result(id) {
        if (newest[id] !== 100) unfinished += 1;
        isOver[id] = 1;
      },
    },
  });
  return {
    ...figuresOf(taken, total * steps),
    wallS: taken.wallMs / 1_000,
    p50Ms: ages.percentile(0.5) / 1_000,
    p99Ms: ages.percentile(0.99) / 1_000,
    leftOut: total * steps - seen.reduce((sum, updates) => sum + updates, 0),
    disordered: disordered + unfinished,
    astray,
    messagesPerJob: taken.wire.messages / total,
    bytesPerJob: taken.wire.bytes / total,
  };
}
