/**
 * Turns event bodies into frames, within the change that causes them: numbers them after the row's last seq and prints
 * each once. Lifecycle events stay in the row, partials become items of the events table, and the newest progress takes
 * the place of the one before (P5).
 *
 * A row stays small whatever a request lives through: texts over 4 KB are in the bucket, and when its log has grown to
 * LOG_BYTES the older events move to the events table, where each write of the row no longer pays for them.
 */
import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { printMessage } from "@streamer/protocol";
import type { Clock, EventBody, Frame } from "@streamer/core";
import { toAttributes } from "../dynamodb/items.ts";
import { leftoverTtl, type RequestRow, type StoredFrame } from "./rows.ts";
import { withBytes } from "./row-bytes.ts";
import type { StoredText, Values } from "../dynamodb/values.ts";

export interface Appended {
  /** The row with the events in it. */
  readonly row: RequestRow;
  readonly frames: readonly Frame[];
  /** Items of the events table that belong to the same write. */
  readonly also: readonly TransactWriteItem[];
}

/** One item of the events table: the partials of one write, or lifecycle events that were moved, by the seq of the last. */
export interface EventsItem {
  readonly pk: string;
  readonly seq: number;
  /** The frames, or the JSON text of them in the bucket. */
  readonly frames?: readonly StoredFrame[];
  readonly stored?: StoredText;
  readonly ttl: number;
}

/** A write of a row costs a unit for each KB of all of it: most requests never come near. */
const LOG_BYTES = 16_384;

/** Partials and moved events are apart, because each of the two is in the order of its seqs. */
export const eventsKey = ({ pk, life }: Pick<RequestRow, "pk" | "life">): string => `${pk}#${life}`;
export const movedKey = (row: Pick<RequestRow, "pk" | "life">): string => `${eventsKey(row)}#log`;

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
      const ttl = leftoverTtl(row, timestamp);
      const partials = frames.filter(isA("partial"));
      const progress = frames.findLast(isA("progress"));
      const lifecycle = frames.filter(({ kind }, at) => kind === "durable" && bodies[at]!.type !== "partial");
      const end = bodies.findLastIndex(({ type }) => type === "complete" || type === "error");
      const retry = bodies.findLastIndex(({ type }) => type === "retrying");
      const retrySeq = frames[retry]?.seq ?? row.retry_seq;
      const { log, moved } = bounded(row.log, await Promise.all(lifecycle.map(keep)), retrySeq);
      const items: readonly EventsItem[] = [
        ...(partials.length > 0 ? [await partialsItem(row, partials, { values, ttl })] : []),
        ...(moved.length > 0 ? [{ pk: movedKey(row), seq: moved.at(-1)!.seq, frames: moved, ttl }] : []),
      ];
      return {
        frames,
        also: items.map((item) => ({ Put: { TableName: table, Item: toAttributes(item) } })),
        row: {
          ...withBytes(row, durableBytes(frames)),
          seq: frames.at(-1)!.seq,
          log,
          ...(progress && { progress: await keep(progress) }),
          ...(partials.length > 0 && { has_partials: true }),
          ...(moved.length > 0 && { has_moved_log: true }),
          ...(end >= 0 && { end_seq: frames[end]!.seq }),
          ...(retrySeq !== undefined && { retry_seq: retrySeq }),
        },
      };
    },
  };
}

/** Progress is stored in place of the one before it, and counts for none. */
const durableBytes = (frames: readonly Frame[]): number =>
  frames.reduce((sum, { kind, text }) => (kind === "durable" ? sum + Buffer.byteLength(text) : sum), 0);

const bytesOf = ({ text }: StoredFrame): number => (typeof text === "string" ? Buffer.byteLength(text) : JSON.stringify(text).length);

/** The log with `fresh` in it, and what has to leave it: all that is older, but for how the last attempt failed. */
function bounded(
  log: readonly StoredFrame[],
  fresh: readonly StoredFrame[],
  retrySeq: number | undefined,
): { readonly log: readonly StoredFrame[]; readonly moved: readonly StoredFrame[] } {
  const all = [...log, ...fresh];
  if (fresh.length === 0 || all.reduce((sum, frame) => sum + bytesOf(frame), 0) <= LOG_BYTES) return { log: all, moved: [] };
  const stays = log.filter(({ seq }) => seq === retrySeq);
  return { log: [...stays, ...fresh], moved: log.filter(({ seq }) => seq !== retrySeq) };
}

async function partialsItem(
  row: RequestRow,
  partials: readonly Frame[],
  { values, ttl }: { readonly values: Values; readonly ttl: number },
): Promise<EventsItem> {
  const frames = partials.map(({ seq, text }) => ({ seq, text }));
  const key = { pk: eventsKey(row), seq: frames.at(-1)!.seq, ttl };
  const stored = await values.keep(row, JSON.stringify(frames));
  return typeof stored === "string" ? { ...key, frames } : { ...key, stored };
}
