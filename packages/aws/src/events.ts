/** The event log read back: the lifecycle and newest progress from the request, partials from the events table, by seq. */
import type { Events, Frame } from "@streamer/core";
import { eventsKey, type PartialsItem } from "./requests/event-log.ts";
import type { RequestRow, StoredFrame } from "./requests/rows.ts";
import type { Store } from "./dynamodb/store.ts";

/** One item may hold hundreds of frames, or one. */
const ITEMS_AT_A_TIME = 25;

export function createEvents({ read, events, values }: Pick<Store, "read" | "events" | "values">): Events {
  async function partialsAfter(row: RequestRow, after: number, limit: number): Promise<readonly Frame[]> {
    if (!row.has_partials) return [];
    const frames: Frame[] = [];
    for (let from = after, isLast = false; !isLast && frames.length < limit;) {
      const items = await events.query<PartialsItem>({
        where: "pk = :pk AND seq > :after",
        values: { ":pk": eventsKey(row), ":after": from },
        limit: ITEMS_AT_A_TIME,
        consistent: true,
      });
      for (const { frames: kept, stored } of items) {
        const here = kept ?? (JSON.parse(await values.read(stored!)) as readonly StoredFrame[]);
        for (const { seq, text } of here) if (seq > after) frames.push({ seq, kind: "durable", text: text as string });
      }
      isLast = items.length < ITEMS_AT_A_TIME;
      from = items.at(-1)?.seq ?? from;
    }
    // What was written after the row was read may have had lifecycle events before it.
    return frames.filter(({ seq }) => seq <= row.seq);
  }

  return {
    after: async (key, after, limit) => {
      const row = await read(key);
      if (!row || row.tombstone_until !== undefined) return [];
      const own = [
        ...row.log.map((frame) => ({ ...frame, kind: "durable" as const })),
        ...(row.progress ? [{ ...row.progress, kind: "progress" as const }] : []),
      ].filter(({ seq }) => seq > after);
      const all = [...own, ...(await partialsAfter(row, after, limit))].toSorted((a, b) => a.seq - b.seq).slice(0, limit);
      return Promise.all(all.map(async ({ seq, kind, text }): Promise<Frame> => ({ seq, kind, text: await values.read(text) })));
    },
  };
}
