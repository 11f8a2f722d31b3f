/** No product: rows of a table, written as many at a time as one turn brings, and handlers called when theirs is written. */
import { openFloorStore } from "../../../floor/store.ts";
import { jobs } from "../jobs.ts";
import type { HostSettings, Submission, Submit, Told } from "../parts.ts";

export function openFloor({ dataFolder, slots }: HostSettings, told: Told): Submit {
  const store = openFloorStore(dataFolder);
  const waiting: Submission[] = [];
  let free = slots;

  async function run({ jobId, kind, data }: Submission): Promise<void> {
    const value = await jobs[kind](data, (update) => told.progress(jobId, update));
    store.finish(jobId, JSON.stringify(value), () => told.result(jobId, value));
    const next = waiting.shift();
    if (next) void run(next);
    else free += 1;
  }

  return (submission) =>
    new Promise<void>((resolve) => {
      const { jobId: id, kind: action, data } = submission;
      store.accept({ id, action, payload: JSON.stringify(data) }, () => {
        resolve();
        if (free === 0) {
          waiting.push(submission);
          return;
        }
        free -= 1;
        void run(submission);
      });
    });
}
