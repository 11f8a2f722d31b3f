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
import { checksumOf } from "./sqlite/checksums.ts";
import { dataLoss } from "./sqlite/damage.ts";
import type { Store } from "./sqlite/store.ts";

export function createRunTimes({ db, damage, write }: Pick<Store, "db" | "damage" | "write">): RunTimes {
  const select = db.prepare("SELECT series, durations, sum FROM run_times WHERE action = ?");
  const put = db.prepare("INSERT OR REPLACE INTO run_times (action, series, durations, sum) VALUES (?, ?, ?, ?)");
  const read = (action: string): RecordedSeries =>
    new Map(
      select.all(action).flatMap(({ series, durations, sum }) => {
        const name = series as string;
        // Learned anew.
        if (sum !== checksumOf([action, name, durations])) {
          damage.note(dataLoss(`recorded run times of "${action}"`));
          return [];
        }
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
          const text = printDurations(all);
          put.run(action, name, text, checksumOf([action, name, text]));
        }
      }),
  };
}
