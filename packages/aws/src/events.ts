/**
 * The event log read back, by seq: newer lifecycle events and the newest progress from the request, older ones and partials
 * from the events table. Each of the sources is in order and gives what it has after a seq, so the first so many of all of
 * them are the first so many there are.
 */
import type { Events, Frame } from "@streamer/core";
import { eventsKey, movedKey, type EventsItem } from "./requests/event-log.ts";
import type { RequestRow, StoredFrame } from "./requests/rows.ts";
import type { Store } from "./dynamodb/store.ts";

/** One item may hold hundreds of frames, or one. */
const ITEMS_AT_A_TIME = 25;

type LogFrame = StoredFrame & Pick<Frame, "kind">;

export function createEvents({ read, events, values }: Pick<Store, "read" | "events" | "values">): Events {
  async function storedAfter(pk: string, row: RequestRow, after: number, limit: number): Promise<readonly LogFrame[]> {
    const frames: LogFrame[] = [];
    for (let from = after, isLast = false; !isLast && frames.length < limit;) {
      const items = await events.query<EventsItem>({
        where: "pk = :pk AND seq > :after",
        values: { ":pk": pk, ":after": from },
        limit: ITEMS_AT_A_TIME,
        consistent: true,
      });
      for (const { frames: kept, stored } of items) {
        const here = kept ?? (JSON.parse(await values.read(stored!)) as readonly StoredFrame[]);
        for (const { seq, text } of here) if (seq > after) frames.push({ seq, kind: "durable", text });
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
      const own: readonly LogFrame[] = [
        ...row.log.map((frame) => ({ ...frame, kind: "durable" as const })),
        ...(row.progress ? [{ ...row.progress, kind: "progress" as const }] : []),
      ].filter(({ seq }) => seq > after);
      const [partials, moved] = await Promise.all([
        row.has_partials ? storedAfter(eventsKey(row), row, after, limit) : [],
        row.has_moved_log ? storedAfter(movedKey(row), row, after, limit) : [],
      ]);
      const all = [...own, ...partials, ...moved].toSorted((a, b) => a.seq - b.seq).slice(0, limit);
      return Promise.all(all.map(async ({ seq, kind, text }): Promise<Frame> => ({ seq, kind, text: await values.read(text) })));
    },
  };
}
