/** Recorded run times: a row for each action and series. */
import {
  appendDurations,
  isRunSeries,
  noDurations,
  parseDurations,
  printDurations,
  type RecordedSeries,
  type RunTimes,
} from "@streamer/core";
import type { Store } from "./sqlite/store.ts";

export function createRunTimes({ db, write }: Pick<Store, "db" | "write">): RunTimes {
  const select = db.prepare("SELECT series, durations FROM run_times WHERE action = ?");
  const put = db.prepare("INSERT OR REPLACE INTO run_times (action, series, durations) VALUES (?, ?, ?)");
  const read = (action: string): RecordedSeries =>
    new Map(
      select.all(action).flatMap(({ series, durations }) => {
        const name = series as string;
        return isRunSeries(name) ? [[name, parseDurations(durations as string)] as const] : [];
      }),
    );

  return {
    of: async (action) => read(action),
    add: (action, newer) =>
      write(() => {
        const stored = read(action);
        for (const [name, durations] of newer) {
          const all = stored.get(name) ?? noDurations();
          appendDurations(all, durations);
          put.run(action, name, printDurations(all));
        }
      }),
  };
}
