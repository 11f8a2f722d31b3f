/** Recorded run times, as text: what is given out is nobody's but the reader's. */
import {
  appendDurations,
  isRunSeries,
  noDurations,
  parseDurations,
  printDurations,
  type RecordedSeries,
  type RunTimes,
} from "@streamer/core";
import type { State } from "./state.ts";

export function createRunTimes({ data, write }: State): RunTimes {
  const read = (action: string): RecordedSeries =>
    new Map(
      Array.from(data.runTimes.get(action) ?? []).flatMap(([series, text]) =>
        isRunSeries(series) ? [[series, parseDurations(text)] as const] : [],
      ),
    );
  return {
    of: async (action) => read(action),
    add: (action, newer) =>
      write(() => {
        const stored = read(action);
        const texts = data.runTimes.get(action) ?? new Map<string, string>();
        data.runTimes.set(action, texts);
        for (const [name, durations] of newer) {
          const all = stored.get(name) ?? noDurations();
          appendDurations(all, durations);
          texts.set(name, printDurations(all));
        }
      }),
  };
}
