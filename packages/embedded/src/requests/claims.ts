/** claim: takes what fits the free slots, by fair shares (backlog.ts); each claim raises the attempt (P3). */
import type { JsonValue } from "@streamer/protocol";
import type { Claim, ClaimTerms, Requests } from "@streamer/core";
import type { RequestRow } from "./rows.ts";
import type { Store } from "../sqlite/store.ts";

interface InputRow {
  readonly payload: string;
  readonly metadata: string;
  readonly permissions: string;
  readonly state: string | null;
}

export function createClaim(store: Store): Requests["claim"] {
  const { db, clock, backlog } = store;
  const idOf = db.prepare("SELECT id FROM requests WHERE key = ?");
  // RETRYING becomes PENDING and PROCESSING in one step: nobody has to look at it in between.
  const take = db.prepare(`
    UPDATE requests SET status = 'PROCESSING', attempt = attempt + 1, boot = ?, lease_until = ?
    WHERE id = ? AND status IN ('PENDING', 'RETRYING') RETURNING *`);
  const readInput = db.prepare(`
    SELECT payload, metadata, permissions, state FROM inputs LEFT JOIN checkpoints USING (request) WHERE request = ?`);

  const claim = (terms: ClaimTerms): Claim[] => {
    const now = clock.now();
    const only = terms.key === undefined ? undefined : ((idOf.get(terms.key)?.["id"] ?? -1) as number);
    const leaseUntil = clock.monotonic() + terms.leaseMs;
    return backlog.take(terms, now, only).map((id) => {
      const row = take.get(store.boot, leaseUntil, id) as RequestRow | undefined;
      if (!row) throw new Error(`Request row ${id} was waiting in memory but not in the database.`);
      return toClaim(row, readInput.get(id) as unknown as InputRow, now);
    });
  };

  // Most calls find nothing: they cost no transaction.
  return async (terms) => (backlog.waiting === 0 ? [] : store.write(() => claim(terms)));
}

function toClaim(row: RequestRow, input: InputRow, now: number): Claim {
  return {
    lease: { key: row.key, attempt: row.attempt },
    requestId: row.request_id,
    owner: { tenantId: row.tenant, userId: row.user },
    action: row.action,
    payload: JSON.parse(input.payload) as JsonValue,
    metadata: JSON.parse(input.metadata) as Claim["metadata"],
    permissions: JSON.parse(input.permissions) as Claim["permissions"],
    maxAttempts: row.max_attempts,
    timeoutMs: row.timeout_ms,
    failures: row.failures,
    crashes: row.crashes,
    ...(input.state !== null && { checkpoint: JSON.parse(input.state) as JsonValue }),
    cancelRequested: row.cancel_requested === 1,
    submittedAt: row.created_at,
    queueMs: Math.max(0, now - row.run_at),
  };
}
