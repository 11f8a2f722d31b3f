/**
 * Recorded run times: one item for each action, beside the counts, with an attribute for each series. What another
 * process stored meanwhile is found by the condition, and appended to.
 */
import { appendDurations, isRunSeries, noDurations, parseDurations, printDurations, type RunTimes } from "@streamer/core";
import type { Items } from "./dynamodb/items.ts";

type RunTimesItem = Readonly<Record<string, string>>;

/** It is a sample that is written: what others win every time is left out of it. */
const MAX_TRIES = 5;

export function createRunTimes(items: Items): RunTimes {
  const keyOf = (action: string) => ({ pk: `runs#${action}` });
  return {
    of: async (action) => {
      const item = (await items.get<RunTimesItem>(keyOf(action))) ?? {};
      return new Map(Object.entries(item).flatMap(([name, text]) => (isRunSeries(name) ? [[name, parseDurations(text)] as const] : [])));
    },
    add: async (action, newer) => {
      const names = Array.from(newer.keys());
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const item = (await items.get<RunTimesItem>(keyOf(action))) ?? {};
        const changes = Array.from(newer, ([name, durations]) => {
          const before = item[name];
          const all = before === undefined ? noDurations() : parseDurations(before);
          appendDurations(all, durations);
          return { before, after: printDurations(all) };
        });
        const written = await items.update(keyOf(action), {
          set: `SET ${names.map((name, at) => `${name} = :after${at}`).join(", ")}`,
          condition: changes
            .map(({ before }, at) => (before === undefined ? `attribute_not_exists(${names[at]})` : `${names[at]} = :before${at}`))
            .join(" AND "),
          values: Object.fromEntries(
            changes.flatMap(({ before, after }, at) => [
              [`:after${at}`, after],
              ...(before === undefined ? [] : [[`:before${at}`, before]]),
            ]),
          ),
        });
        if (written) return;
      }
    },
  };
}
