/** How many messages does a handler that reports 50 times cost its subscriber? */
import { CHATTY_UPDATES } from "../handlers.ts";
import { assertPlanned, openCallers } from "../load.ts";
import { percentiles, rounded } from "../figures.ts";
import type { Scenario } from "../record.ts";
import { startBenchServer } from "../server.ts";

/** 100 batches of one item each: an update and a checkpoint after every one. */
const BATCHES = 100;
const items = Array.from({ length: BATCHES }, (_, n) => ({ id: `i${n}`, n }));

const SHAPES = [
  { action: "chatty", handler: "50 updates over 1 s of hashing", updates: CHATTY_UPDATES, payload: {} },
  { action: "burst", handler: "50 updates without a pause", updates: CHATTY_UPDATES, payload: {} },
  {
    action: "bulk_operation",
    handler: "101 updates, 100 checkpoints",
    updates: BATCHES + 1,
    payload: { operation_type: "create", entity_type: "item", items, batch_size: 1 },
  },
];

export const messagesPerJob: Scenario = {
  name: "messages-per-job",
  question: "How many messages reach the subscriber of a job that reports 50 or 100 times?",
  async run(quick) {
    const jobs = quick ? 2 : 20;
    await using server = await startBenchServer();
    const rows = [];
    for (const { action, handler, updates, payload } of SHAPES) {
      const progress: number[] = [];
      const all: number[] = [];
      let isWarm = false;
      let counts = { progress: 0, all: 0, last: 0 };
      let ended = Promise.withResolvers<void>();
      const [caller] = await openCallers(server, 1, (message) => {
        assertPlanned(message);
        counts.all += 1;
        if (message.type === "progress") counts = { ...counts, progress: counts.progress + 1, last: message.percentage };
        if (message.type === "complete") ended.resolve();
      });
      // One at a time: each job is its own sample. The first starts the worker process and is not counted.
      for (let job = 0; job <= jobs; job += 1) {
        counts = { progress: 0, all: 0, last: 0 };
        ended = Promise.withResolvers();
        caller!.send({ type: "request", id: `${action}-${job}`, action, payload, options: { mode: "async" } });
        await ended.promise;
        if (counts.last !== 100) throw new Error(`The last progress was ${counts.last} %, not 100 %.`);
        if (isWarm) {
          progress.push(counts.progress);
          all.push(counts.all);
        }
        isWarm = true;
      }
      caller!.close();
      const { p50, max } = percentiles(progress);
      rows.push({
        handler,
        jobs,
        progress_p50: p50,
        progress_max: max,
        messages_max: percentiles(all).max,
        fewer_than_one_each_percent: rounded(100 * (1 - max / updates)),
      });
    }
    return { settings: { batching: "default: 200 ms, 150 ms above 90 %, 64 updates" }, rows };
  },
};
