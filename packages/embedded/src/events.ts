/** Reads the event log back, for replay (P6). */
import { requestIdOf, type Events, type Frame } from "@streamer/core";
import { checksumOf, isIntact } from "./sqlite/checksums.ts";
import type { RequestRow } from "./requests/rows.ts";
import type { Store } from "./sqlite/store.ts";

interface EventRow {
  readonly seq: number;
  readonly text: string;
  readonly sum: number | null;
}

export function createEvents({ db, damage }: Pick<Store, "db" | "damage">): Events {
  const find = db.prepare("SELECT * FROM requests WHERE key = ?");
  const select = db.prepare("SELECT seq, text, sum FROM events WHERE request = ? AND seq > ? ORDER BY seq LIMIT ?");

  const read: (...asked: Parameters<Events["after"]>) => readonly Frame[] = (key, after, limit) => {
    const request = find.get(key) as RequestRow | undefined;
    if (!request || limit < 1) return [];
    const requestId = requestIdOf(key);
    damage.check(isIntact(request), "record", requestId);
    const durable = select.all(request.id, after, limit) as unknown as readonly EventRow[];
    for (const { seq, text, sum } of durable) damage.check(sum === checksumOf([request.id, seq, text]), `event ${seq}`, requestId);
    const frames: Frame[] = durable.map(({ seq, text }) => ({ seq, kind: "durable", text }));
    const { progress_seq: seq, progress: text } = request;
    if (seq !== null && text !== null && seq > after) {
      const place = frames.findIndex((frame) => frame.seq > seq);
      frames.splice(place === -1 ? frames.length : place, 0, { seq, kind: "progress", text });
    }
    // Every seq is an event's, or the newest progress's: the newest of all is there.
    if (durable.length < limit) damage.check((frames.at(-1)?.seq ?? after) >= request.seq, "log of events", requestId);
    return frames.slice(0, limit);
  };

  return { after: async (...asked) => damage.reading(requestIdOf(asked[0]), () => read(...asked)) };
}
