/** Reads the events of a request back, in the order of their seq (P6). */
import type { Events } from "@streamer/core";
import type { Data } from "./data.ts";

export function createEvents({ rows }: Data): Events {
  return {
    after: async (key, after, limit) => {
      const row = rows.get(key);
      if (!row) return [];
      return [...row.events, ...(row.progress ? [row.progress] : [])]
        .filter(({ seq }) => seq > after)
        .toSorted((a, b) => a.seq - b.seq)
        .slice(0, Math.max(0, limit));
    },
  };
}
