/**
 * Turns event bodies into frames, within the change that causes them: numbers them after the row's last seq and prints
 * each once. Lifecycle events stay in the row, partials become items of the events table, and the newest progress takes
 * the place of the one before (P5).
 */
import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { printMessage } from "@streamer/protocol";
import type { Clock, EventBody, Frame } from "@streamer/core";
import { toAttributes } from "../dynamodb/items.ts";
import type { RequestRow, StoredFrame } from "./rows.ts";
import type { Values } from "../dynamodb/values.ts";

export interface Appended {
  /** The row with the events in it. */
  readonly row: RequestRow;
  readonly frames: readonly Frame[];
  /** Items of the events table that belong to the same write. */
  readonly also: readonly TransactWriteItem[];
}

/** One item of the events table: the partials of one write, by the seq of the last. */
export interface PartialsItem {
  readonly pk: string;
  readonly seq: number;
  /** The frames, or the JSON text of them in the bucket. */
  readonly frames?: readonly StoredFrame[];
  readonly stored?: { readonly object: string };
}

/** An item holds 400 KB. Names and numbers take a little of that. */
const ITEM_BYTES = 256 * 1_024;

export const eventsKey = ({ pk, life }: Pick<RequestRow, "pk" | "life">): string => `${pk}#${life}`;

export interface EventLog {
  append(row: RequestRow, bodies: readonly EventBody[]): Promise<Appended>;
}

export function createEventLog(table: string, clock: Clock, values: Values): EventLog {
  return {
    append: async (row, bodies) => {
      if (bodies.length === 0) return { row, frames: [], also: [] };
      const timestamp = Math.round(clock.now());
      const frames = bodies.map((body, at): Frame => {
        const seq = row.seq + at + 1;
        const text = printMessage({ ...body, request_id: row.request_id, seq, timestamp });
        return { seq, kind: body.type === "progress" ? "progress" : "durable", text };
      });
      const keep = async ({ seq, text }: Frame): Promise<StoredFrame> => ({ seq, text: await values.keep(row, text) });
      const isA = (type: EventBody["type"]) => (_: Frame, at: number) => bodies[at]!.type === type;
      const partials = frames.filter(isA("partial"));
      const progress = frames.findLast(isA("progress"));
      const lifecycle = frames.filter(({ kind }, at) => kind === "durable" && bodies[at]!.type !== "partial");
      const end = bodies.findLastIndex(({ type }) => type === "complete" || type === "error");
      const item = partials.length > 0 ? await partialsItem(row, partials, values) : undefined;
      return {
        frames,
        also: item ? [{ Put: { TableName: table, Item: toAttributes(item) } }] : [],
        row: {
          ...row,
          seq: frames.at(-1)!.seq,
          log: [...row.log, ...(await Promise.all(lifecycle.map(keep)))],
          ...(progress && { progress: await keep(progress) }),
          ...(item && { has_partials: true }),
          ...(end >= 0 && { end_seq: frames[end]!.seq }),
        },
      };
    },
  };
}

async function partialsItem(row: RequestRow, partials: readonly Frame[], values: Values): Promise<PartialsItem> {
  const frames = partials.map(({ seq, text }) => ({ seq, text }));
  const key = { pk: eventsKey(row), seq: frames.at(-1)!.seq };
  const text = JSON.stringify(frames);
  if (Buffer.byteLength(text) <= ITEM_BYTES) return { ...key, frames };
  const stored = await values.keep(row, text);
  return typeof stored === "string" ? { ...key, frames } : { ...key, stored };
}
