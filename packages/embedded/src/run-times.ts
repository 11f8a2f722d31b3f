/** Recorded run times: a row for each action and class of input size. */
import { appendDurations, noDurations, parseDurations, printDurations, type Durations, type RunTimes } from "@streamer/core";
import type { Store } from "./sqlite/store.ts";

export function createRunTimes({ db, write }: Pick<Store, "db" | "write">): RunTimes {
  const select = db.prepare("SELECT size, durations FROM run_times WHERE action = ?");
  const put = db.prepare("INSERT OR REPLACE INTO run_times (action, size, durations) VALUES (?, ?, ?)");
  const read = (action: string): Map<number, Durations> =>
    new Map(select.all(action).map(({ size, durations }) => [size as number, parseDurations(durations as string)]));

  return {
    of: async (action) => read(action),
    add: (action, newer) =>
      write(() => {
        const stored = read(action);
        for (const [size, durations] of newer) {
          const all = stored.get(size) ?? noDurations();
          appendDurations(all, durations);
          put.run(action, size, printDurations(all));
        }
      }),
  };
}
