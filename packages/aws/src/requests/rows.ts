/**
 * A request as an item: its attributes, and the index keys that follow from its state. Every change of a request is a
 * new row made from the old one; what the indexes need is derived here and nowhere else.
 */
import type { JsonObject, RequestStatus, WaitingReason } from "@streamer/protocol";
import { endingOf, progressOf, type Place, type RequestKey, type RequestRecord } from "@streamer/core";
import { hashOf, ownerKey, shardOf, sortable } from "../dynamodb/keys.ts";
import { RUNNABLE_ATTRIBUTE } from "../dynamodb/table.ts";
import type { Counted } from "./limits.ts";
import { bucketOf, tenantHash } from "./shares.ts";
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
  readonly metadata: StoredText;
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
  /** The newest lifecycle events, oldest first. */
  readonly log: readonly StoredFrame[];
  /** Older ones are items of the events table: see event-log.ts. */
  readonly has_moved_log?: true;
  /** There are items of it in the events table. */
  readonly has_partials?: true;
  readonly checkpoint?: StoredText;
  /** How long the checkpoint is, which may be in the bucket. */
  readonly checkpoint_bytes?: number;
  /** What is stored with it (row-bytes.ts), and how much of that its user's count has. */
  readonly bytes?: number;
  readonly bytes_counted?: number;
  /** Its files, which its user's count has: added to beside the other writes, and set by none of them. */
  readonly file_bytes?: number;
  /** Who runs it, and until when nobody else may. Epoch ms. */
  readonly process?: string;
  readonly lease_until?: number;
  /** When a run is looked at for a lease that has ended: not moved by each renewal, which would cost an index write. */
  readonly watch_at?: number;
  /** Where it waits: the delay queue has a message for this time. */
  readonly has_wakeup?: true;
  /** Seq of the event that says how the last attempt failed. */
  readonly retry_seq?: number;
  /**
   * The process that ended it, until its followers are known to have been told: a run is watched until then, so that an
   * end whose teller died is told by the sweep.
   */
  readonly teller?: string;
  /** What its followers were told that it waits for, since it waits. */
  readonly waiting_for?: WaitingReason;
  /** Where it is counted while it waits, and the slots it holds while it runs: see limits.ts. */
  readonly counted?: Counted;
  /** Its place in the line, since it waits: see shares.ts. */
  readonly tag?: number;
  readonly slots?: readonly string[];
  readonly ended_at?: number;
  readonly end_seq?: number;
  readonly expires_at?: number;
  /** It could not be forgotten then: it stands behind those that were past their retention by then. */
  readonly purge_at?: number;
  /** Forgotten; only the id is remembered, until then. */
  readonly tombstone_until?: number;
}

const SECONDS = 1_000;
/** An ended request that the sweep has not come to is deleted by DynamoDB after this. */
const EXPIRY_MARGIN_MS = 86_400_000;

/** Attempts go on for so long at most: what a request left behind may go by itself after that, and its retention. */
const ATTEMPTS_MS = 31 * 86_400_000;
/** When DynamoDB may delete what belongs to a request, should nobody have come to forget it. Epoch s. */
export const leftoverTtl = (row: Pick<RequestRow, "run_at" | "retention_ms">, now: number): number =>
  Math.ceil((Math.max(now, row.run_at) + ATTEMPTS_MS + row.retention_ms) / SECONDS);

export const isWaiting = ({ status }: Pick<RequestRow, "status">): boolean => status === "PENDING" || status === "RETRYING";
export const isExpired = ({ expires_at }: Pick<RequestRow, "expires_at">, now: number): boolean =>
  expires_at !== undefined && expires_at <= now;

/** Lines of by_action. ready: by tag, then time; later: by time. */
export const lineOf = (kind: "ready" | "later", action: string, shard: number): string => `${kind}#${action}#${shard}`;
/** Agendas of by_time. run: what runs, and ends that are not known to be told. */
export const agendaOf = (kind: "wait" | "run" | "end", shard: number): string => `${kind}#${shard}`;

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Keys of a row in the indexes, as of `now`: an index without its key does not have the row. */
export function indexKeys(row: RequestRow, now: number): Attributes {
  if (row.tombstone_until !== undefined) return { ttl: Math.ceil(row.tombstone_until / SECONDS) };
  const shard = shardOf(row.pk);
  const listed = {
    owner: ownerKey({ tenantId: row.tenant, userId: row.user }),
    listed: `${sortable(row.created_at)}#${String(row.tie).padStart(4, "0")}${hashOf(row.pk).slice(0, 16)}`,
  };
  if (row.status === "PROCESSING") return { ...listed, agenda: agendaOf("run", shard), agenda_at: row.watch_at };
  if (isWaiting(row)) {
    const isDue = row.run_at <= now;
    const [tag, runAt] = [sortable(row.tag ?? 0), sortable(row.run_at)];
    const tie = `${sortable(row.created_at)}#${row.tie}#${tenantHash(row.tenant)}#${bucketOf(row.user)}`;
    const order = `${isDue ? `${tag}#${runAt}` : `${runAt}#${tag}`}#${9 - row.priority}#${tie}`;
    return {
      ...listed,
      agenda: agendaOf("wait", shard),
      agenda_at: row.run_at,
      line: lineOf(isDue ? "ready" : "later", row.action, shard),
      line_order: order,
      ...(isDue && { [RUNNABLE_ATTRIBUTE]: "1" }),
    };
  }
  const agenda = row.teller === undefined ? agendaOf("end", shard) : agendaOf("run", shard);
  return {
    ...listed,
    agenda,
    agenda_at: row.teller === undefined ? (row.purge_at ?? row.expires_at) : row.watch_at,
    ttl: Math.ceil((row.expires_at! + row.retention_ms + EXPIRY_MARGIN_MS) / SECONDS),
  };
}

/** What `by_action` tells of a waiting request without reading it. */
export interface Waiting {
  readonly pk: string;
  readonly action: string;
  /** Hashes: who they are is not told. */
  readonly tenant: string;
  readonly bucket: string;
  readonly tag: number;
  readonly priority: number;
  readonly runAt: number;
  readonly createdAt: number;
  readonly tie: number;
}

export function readLine(pk: string, line: string, order: string): Waiting {
  const [kind, ...rest] = line.split("#");
  const action = rest.slice(0, -1).join("#");
  const [first, second, urgency, createdAt, tie, tenant, bucket] = order.split("#") as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const [tag, runAt] = kind === "ready" ? [first, second] : [second, first];
  return {
    pk,
    action,
    tenant,
    bucket,
    tag: Number(tag),
    priority: 9 - Number(urgency),
    runAt: Number(runAt),
    createdAt: Number(createdAt),
    tie: Number(tie),
  };
}

/** What a waiting request waits for, as far as the row knows: a limit that held it was told, its place in line was not. */
function placeOf(row: RequestRow, now: number): Place {
  if (row.run_at > now) return { reason: row.status === "RETRYING" ? "backoff" : "scheduled" };
  return { reason: row.waiting_for ?? "queue" };
}

export interface RecordTerms {
  /** Fetches texts that were too large for the item. */
  readonly read: (text: StoredText) => Promise<string>;
  readonly now: number;
}

/** A row as the port's record. */
export async function toRecord(row: RequestRow, { read, now }: RecordTerms): Promise<RequestRecord> {
  const lastSeq = row.status === "RETRYING" ? row.retry_seq : row.end_seq;
  const last = lastSeq === undefined ? undefined : row.log.find(({ seq }) => seq === lastSeq);
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
    metadata: JSON.parse(await read(row.metadata)) as RequestRecord["metadata"],
    createdAt: row.created_at,
    runAt: row.run_at,
    ...(row.ended_at !== undefined && { endedAt: row.ended_at }),
    ...(isWaiting(row) && { waitingFor: placeOf(row, now) }),
    ...(progress && { progress: progressOf(progress) }),
    ...(ending && endingOf(ending)),
  };
}
