/** Reads the event log back, for replay (P6). */
import type { DatabaseSync } from "node:sqlite";
import type { Events, Frame } from "@streamer/core";

export function createEvents(db: DatabaseSync): Events {
  const find = db.prepare("SELECT id, progress_seq, progress FROM requests WHERE key = ?");
  const select = db.prepare("SELECT seq, text FROM events WHERE request = ? AND seq > ? ORDER BY seq LIMIT ?");
  return {
    after: async (key, after, limit) => {
      const request = find.get(key) as { id: number; progress_seq: number | null; progress: string | null } | undefined;
      if (!request || limit < 1) return [];
      const durable = select.all(request.id, after, limit) as { seq: number; text: string }[];
      const frames: Frame[] = durable.map(({ seq, text }) => ({ seq, kind: "durable", text }));
      const { progress_seq: seq, progress: text } = request;
      if (seq !== null && text !== null && seq > after) {
        const place = frames.findIndex((frame) => frame.seq > seq);
        frames.splice(place === -1 ? frames.length : place, 0, { seq, kind: "progress", text });
      }
      return frames.slice(0, limit);
    },
  };
}
