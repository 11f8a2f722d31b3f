/** Rows of `requests` as the port's records; the only place that knows how a record is put together from the tables. */
import { isTerminal, type JsonObject, type RequestStatus } from "@streamer/protocol";
import { endingOf, progressOf, type Place, type RequestKey, type RequestRecord } from "@streamer/core";
import { checksumOf, isIntact } from "../sqlite/checksums.ts";
import type { Damage } from "../sqlite/damage.ts";
import type { Store } from "../sqlite/store.ts";

export interface RequestRow {
  readonly id: number;
  readonly key: RequestKey;
  readonly request_id: string;
  readonly tenant: string;
  readonly user: string;
  readonly action: string;
  readonly priority: number;
  readonly max_attempts: number;
  readonly timeout_ms: number;
  readonly size: number;
  readonly retention_ms: number;
  readonly created_at: number;
  readonly run_at: number;
  readonly status: RequestStatus;
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly cancel_requested: number;
  readonly seq: number;
  readonly progress: string | null;
  readonly ended_at: number | null;
  readonly expires_at: number | null;
  /** Stored with it, in all (usage.ts). */
  readonly bytes: number;
  readonly idempotency_key: string | null;
  readonly boot: number | null;
  readonly lease_until: number | null;
  readonly progress_seq: number | null;
  readonly end_seq: number | null;
  readonly sum: number | null;
}

/** A row with what belongs to it from other tables. */
export type FullRow = RequestRow & {
  readonly metadata: string | null;
  readonly metadata_sum: number | null;
  readonly ending: string | null;
  readonly ending_sum: number | null;
};

export const SELECT_FULL = `
  SELECT requests.*, inputs.metadata, inputs.metadata_sum, events.text AS ending, events.sum AS ending_sum FROM requests
  LEFT JOIN inputs ON inputs.request = requests.id
  LEFT JOIN events ON events.request = requests.id AND events.seq = requests.end_seq`;

/** For lists, which show no results: a page of them could be any size. */
export const SELECT_LISTED = `${SELECT_FULL} AND requests.status <> 'COMPLETED'`;

/** Retention has ended: the row is only still there because the sweep has not come by (P7). */
export const isExpired = (row: Pick<RequestRow, "expires_at">, now: number): boolean => row.expires_at !== null && row.expires_at <= now;

/** Running again, or handed back, it is past its last failure. */
const showsEnding = ({ status }: FullRow): boolean => status === "RETRYING" || isTerminal(status);

/** What is damaged of a row, if anything. Of one in a list, the result was not read. */
export function damageOf(row: FullRow, isListed = false): string | undefined {
  if (!isIntact(row)) return "record";
  if (row.metadata_sum !== checksumOf([row.id, row.metadata])) return "metadata";
  const isLeftOut = row.end_seq === null || (isListed && row.status === "COMPLETED");
  return isLeftOut || row.ending_sum === checksumOf([row.id, row.end_seq, row.ending]) ? undefined : "end";
}

/** `waitingFor`: by the backlog. Throws DATA_LOSS of what is damaged. */
export function toRecord(row: FullRow, waitingFor: Place | undefined, damage: Pick<Damage, "check">): RequestRecord {
  const damaged = damageOf(row);
  damage.check(damaged === undefined, damaged ?? "", row.request_id);
  return recordOf(row, waitingFor);
}

/** Of a row that was found intact. */
export function recordOf(row: FullRow, waitingFor: Place | undefined): RequestRecord {
  const ending = row.ending === null || !showsEnding(row) ? undefined : (JSON.parse(row.ending) as JsonObject);
  return {
    key: row.key,
    requestId: row.request_id,
    owner: { tenantId: row.tenant, userId: row.user },
    action: row.action,
    status: row.status,
    attempt: row.attempt,
    seq: row.seq,
    metadata: JSON.parse(row.metadata!) as RequestRecord["metadata"],
    createdAt: row.created_at,
    runAt: row.run_at,
    ...(row.ended_at !== null && { endedAt: row.ended_at }),
    ...(waitingFor && { waitingFor }),
    ...(row.progress !== null && { progress: progressOf(JSON.parse(row.progress) as JsonObject) }),
    ...(ending && endingOf(ending)),
  };
}

/** Removes a request and all that belongs to it. */
export function createForget({ db, usage, images }: Pick<Store, "db" | "usage" | "images">): (id: number) => void {
  const counted = db.prepare("SELECT tenant, user, bytes FROM requests WHERE id = ?");
  const statements = [
    db.prepare("DELETE FROM events WHERE request = ?"),
    db.prepare("DELETE FROM checkpoints WHERE request = ?"),
    db.prepare("DELETE FROM inputs WHERE request = ?"),
    db.prepare("DELETE FROM requests WHERE id = ?"),
  ];
  return (id) => {
    const row = counted.get(id) as Pick<RequestRow, "tenant" | "user" | "bytes"> | undefined;
    for (const statement of statements) statement.run(id);
    images.drop(id);
    if (row) usage.add(row.tenant, row.user, -row.bytes);
  };
}
