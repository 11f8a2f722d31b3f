/**
 * A request as an item: its attributes, and the index keys that follow from its state. Every change of a request is a
 * new row made from the old one; what the indexes need is derived here and nowhere else.
 */
import type { JsonObject, RequestStatus, WaitingReason } from "@streamer/protocol";
import { endingOf, progressOf, type RequestKey, type RequestRecord } from "@streamer/core";
import { hashOf, ownerKey, shardOf, sortable, tenantShard } from "../dynamodb/keys.ts";
import { RUNNABLE_ATTRIBUTE } from "../dynamodb/table.ts";
import type { Counted } from "./limits.ts";
import type { StoredText } from "../dynamodb/values.ts";

export interface StoredFrame {
  readonly seq: number;
  readonly text: StoredText;
}

export interface RequestRow {
  readonly pk: string;
  readonly key: RequestKey;
  /** Rises with every write; the condition of the next one. */
  readonly rev: number;
  /** Names the write that made this row: an answer that was lost is recognised by it. */
  readonly written_by: string;
  /** Names this life of the id: a request sent anew after its retention shares nothing with its old self. */
  readonly life: string;
  readonly request_id: string;
  readonly tenant: string;
  readonly user: string;
  readonly action: string;
  readonly idempotency_key?: string;
  readonly payload: StoredText;
  readonly payload_hash: string;
  /** JSON: numbers of DynamoDB have another range. */
  readonly metadata: string;
  readonly permissions: readonly string[];
  readonly priority: number;
  readonly max_attempts: number;
  readonly timeout_ms: number;
  readonly size?: number;
  readonly retention_ms: number;
  readonly created_at: number;
  /** Orders requests that one process made within one millisecond. */
  readonly tie: number;
  readonly run_at: number;
  readonly status: RequestStatus;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly cancel_requested?: true;
  readonly seq: number;
  /** Newest progress. */
  readonly progress?: StoredFrame;
  /** Lifecycle events, oldest first. */
  readonly log: readonly StoredFrame[];
  /** There are items of it in the events table. */
  readonly has_partials?: true;
  readonly checkpoint?: StoredText;
  /** Who runs it, and until when nobody else may. Epoch ms. */
  readonly process?: string;
  readonly lease_until?: number;
  /** When a run is looked at for a lease that has ended: not moved by each renewal, which would cost an index write. */
  readonly watch_at?: number;
  /** What its followers were told that it waits for, since it waits. */
  readonly waiting_for?: WaitingReason;
  /** Where it is counted while it waits, and the slots it holds while it runs: see limits.ts. */
  readonly counted?: Counted;
  readonly slots?: readonly string[];
  readonly ended_at?: number;
  readonly end_seq?: number;
  readonly expires_at?: number;
  /** Forgotten; only the id is remembered, until then. */
  readonly tombstone_until?: number;
}

const SECONDS = 1_000;
/** An ended request that the sweep has not come to is deleted by DynamoDB after this. */
const EXPIRY_MARGIN_MS = 86_400_000;

export const isWaiting = ({ status }: Pick<RequestRow, "status">): boolean => status === "PENDING" || status === "RETRYING";
export const isExpired = ({ expires_at }: Pick<RequestRow, "expires_at">, now: number): boolean =>
  expires_at !== undefined && expires_at <= now;

/** Lines of by_action. ready: by priority, then time; later: by time. */
export const lineOf = (kind: "ready" | "later", action: string, shard: number): string => `${kind}#${action}#${shard}`;
/** Agendas of by_time. */
export const agendaOf = (kind: "wait" | "run" | "end", shard: number): string => `${kind}#${shard}`;

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Keys of a row in the indexes, as of `now`: an index without its key does not have the row. */
export function indexKeys(row: RequestRow, now: number): Attributes {
  if (row.tombstone_until !== undefined) return { ttl: Math.ceil(row.tombstone_until / SECONDS) };
  const shard = shardOf(row.pk);
  const listed = {
    owner: ownerKey({ tenantId: row.tenant, userId: row.user }),
    tenant_shard: tenantShard(row.tenant, shard),
    listed: `${sortable(row.created_at)}#${String(row.tie).padStart(4, "0")}${hashOf(row.pk).slice(0, 16)}`,
  };
  if (row.status === "PROCESSING") return { ...listed, agenda: agendaOf("run", shard), agenda_at: row.watch_at };
  if (isWaiting(row)) {
    const isDue = row.run_at <= now;
    const tie = `${sortable(row.created_at)}#${row.tie}`;
    const order = isDue ? `${9 - row.priority}#${sortable(row.run_at)}#${tie}` : `${sortable(row.run_at)}#${9 - row.priority}#${tie}`;
    return {
      ...listed,
      agenda: agendaOf("wait", shard),
      agenda_at: row.run_at,
      line: lineOf(isDue ? "ready" : "later", row.action, shard),
      line_order: order,
      ...(isDue && { [RUNNABLE_ATTRIBUTE]: "1" }),
    };
  }
  return {
    ...listed,
    agenda: agendaOf("end", shard),
    agenda_at: row.expires_at,
    ttl: Math.ceil((row.expires_at! + row.retention_ms + EXPIRY_MARGIN_MS) / SECONDS),
  };
}

/** What `by_action` tells of a waiting request without reading it. */
export interface Waiting {
  readonly pk: string;
  readonly action: string;
  readonly priority: number;
  readonly runAt: number;
  readonly createdAt: number;
  readonly tie: number;
}

export function readLine(pk: string, line: string, order: string): Waiting {
  const [kind, ...rest] = line.split("#");
  const action = rest.slice(0, -1).join("#");
  const [first, second, createdAt, tie] = order.split("#").map(Number) as [number, number, number, number];
  return kind === "ready"
    ? { pk, action, priority: 9 - first, runAt: second, createdAt, tie }
    : { pk, action, priority: 9 - second, runAt: first, createdAt, tie };
}

/** A row as the port's record; `read` fetches texts that were too large for the item. */
export async function toRecord(row: RequestRow, read: (text: StoredText) => Promise<string>): Promise<RequestRecord> {
  const last = row.end_seq === undefined ? undefined : row.log.find(({ seq }) => seq === row.end_seq);
  const ending = last ? (JSON.parse(await read(last.text)) as JsonObject) : undefined;
  const progress = row.progress ? (JSON.parse(await read(row.progress.text)) as JsonObject) : undefined;
  return {
    key: row.key,
    requestId: row.request_id,
    owner: { tenantId: row.tenant, userId: row.user },
    action: row.action,
    status: row.status,
    attempt: row.attempt,
    seq: row.seq,
    metadata: JSON.parse(row.metadata) as RequestRecord["metadata"],
    createdAt: row.created_at,
    runAt: row.run_at,
    ...(row.ended_at !== undefined && { endedAt: row.ended_at }),
    ...(progress && { progress: progressOf(progress) }),
    ...(ending && endingOf(ending)),
  };
}
