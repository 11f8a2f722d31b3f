/** What is in embedded's database, read by a connection of its own: what that sees is committed. */
import type { DatabaseSync } from "node:sqlite";
import type { RequestKey } from "@streamer/core";
import type { RequestStatus } from "@streamer/protocol";
import type { Contents, StoredRequest } from "../../engine.ts";

interface Row {
  readonly id: number;
  readonly key: RequestKey;
  readonly request_id: string;
  readonly tenant: string;
  readonly user: string;
  readonly action: string;
  readonly idempotency_key: string | null;
  readonly status: RequestStatus;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly failures: number;
  readonly crashes: number;
  readonly cancel_requested: number;
  readonly seq: number;
  readonly progress_seq: number | null;
  readonly progress: string | null;
  readonly created_at: number;
  readonly run_at: number;
  readonly ended_at: number | null;
  readonly expires_at: number | null;
}

export function createContents(db: DatabaseSync): Omit<Contents, "blobs"> {
  const byKey = db.prepare("SELECT * FROM requests WHERE key = ?");
  const everything = db.prepare("SELECT * FROM requests ORDER BY id");
  const events = db.prepare("SELECT seq, text FROM events WHERE request = ? ORDER BY seq");
  const orphans = db.prepare("SELECT DISTINCT request FROM events WHERE request NOT IN (SELECT id FROM requests)");
  const inputs = db.prepare("SELECT id FROM requests WHERE id NOT IN (SELECT request FROM inputs)");

  const toStored = (row: Row): StoredRequest => ({
    key: row.key,
    requestId: row.request_id,
    owner: { tenantId: row.tenant, userId: row.user },
    action: row.action,
    idempotencyKey: row.idempotency_key ?? undefined,
    status: row.status,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    failures: row.failures,
    crashes: row.crashes,
    cancelRequested: row.cancel_requested === 1,
    seq: row.seq,
    createdAt: row.created_at,
    runAt: row.run_at,
    endedAt: row.ended_at ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    events: [
      ...(events.all(row.id) as unknown as StoredRequest["events"]),
      ...(row.progress_seq === null ? [] : [{ seq: row.progress_seq, text: row.progress! }]),
    ].toSorted((a, b) => a.seq - b.seq),
  });

  return {
    read: (key) => {
      const row = byKey.get(key) as unknown as Row | undefined;
      return row && toStored(row);
    },
    all: () => (everything.all() as unknown as Row[]).map(toStored),
    check: () => [
      ...orphans.all().map(({ request }) => `events of request ${String(request)} are left, and it is not`),
      ...inputs.all().map(({ id }) => `request ${String(id)} has no payload`),
    ],
  };
}
