/**
 * Turns event bodies into frames, inside the verb that changes the state: numbers them, prints each once, and stores
 * the durable ones. The newest progress is stored by the caller, on the request's own row, in place of the one before
 * it (P5).
 */
import type { DatabaseSync } from "node:sqlite";
import { checksumOf } from "../sqlite/checksums.ts";
import { printMessage } from "@streamer/protocol";
import type { Clock, EventBody, Frame } from "@streamer/core";

export interface Appended {
  readonly frames: readonly Frame[];
  /** The newest seq of the request now. */
  readonly seq: number;
  readonly progress: Frame | undefined;
  /** The event that holds the result or the newest error, when there is one. */
  readonly endSeq: number | undefined;
  /** Stored of these, in bytes; progress is stored in place of the one before it, and counts for none. */
  readonly bytes: number;
}

export interface EventLog {
  append(request: { readonly id: number; readonly request_id: string; readonly seq: number }, bodies: readonly EventBody[]): Appended;
}

export function createEventLog(db: DatabaseSync, clock: Clock): EventLog {
  const insert = db.prepare("INSERT INTO events (request, seq, text, sum) VALUES (?, ?, ?, ?)");
  return {
    append: ({ id, request_id, seq: from }, bodies) => {
      const frames: Frame[] = [];
      const timestamp = Math.round(clock.now());
      let seq = from;
      let progress: Frame | undefined;
      let endSeq: number | undefined;
      let bytes = 0;
      for (const body of bodies) {
        seq += 1;
        const text = printMessage({ ...body, request_id, seq, timestamp });
        const frame: Frame = { seq, kind: body.type === "progress" ? "progress" : "durable", text };
        if (frame.kind === "progress") progress = frame;
        else {
          insert.run(id, seq, text, checksumOf([id, seq, text]));
          bytes += Buffer.byteLength(text);
        }
        if (body.type === "complete" || body.type === "error" || body.type === "retrying") endSeq = seq;
        frames.push(frame);
      }
      return { frames, seq, progress, endSeq, bytes };
    },
  };
}
