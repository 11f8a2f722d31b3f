/** claim: takes what fits the free slots, by fair shares (backlog.ts); each claim raises the attempt (P3). */
import type { JsonValue } from "@streamer/protocol";
import { isDataLoss, type Claim, type ClaimTerms, type Requests } from "@streamer/core";
import { checksumOf } from "../sqlite/checksums.ts";
import { dataLoss } from "../sqlite/damage.ts";
import type { RequestRow } from "./rows.ts";
import type { Store } from "../sqlite/store.ts";

interface InputRow {
  readonly payload: string;
  readonly metadata: string;
  readonly permissions: string;
  readonly sum: number | null;
  readonly metadata_sum: number | null;
  readonly state: string | null;
  readonly state_sum: number | null;
}

export function createClaim(store: Store): Requests["claim"] {
  const { db, clock, backlog, damage } = store;
  const idOf = db.prepare("SELECT id FROM requests WHERE key = ?");
  // RETRYING becomes PENDING and PROCESSING in one step: nobody has to look at it in between.
  const take = db.prepare(`
    UPDATE requests SET status = 'PROCESSING', attempt = attempt + 1, boot = ?, lease_until = ?
    WHERE id = ? AND status IN ('PENDING', 'RETRYING') RETURNING *`);
  const readInput = db.prepare(`
    SELECT payload, metadata, permissions, inputs.sum, metadata_sum, state, checkpoints.sum AS state_sum FROM inputs LEFT JOIN checkpoints USING (request) WHERE request = ?`);

  const claim = (terms: ClaimTerms): Claim[] => {
    const now = clock.now();
    const only = terms.key === undefined ? undefined : ((idOf.get(terms.key)?.["id"] ?? -1) as number);
    const leaseUntil = clock.monotonic() + terms.leaseMs;
    const taken = backlog.take(terms, now, only);
    const rows = taken.flatMap((id) => takeRow(id, leaseUntil) ?? []);
    const claims = rows.map((row) => read(row, now));
    // Rows that are damaged have left the backlog: others get their slots.
    return rows.length === taken.length ? claims : [...claims, ...claim({ ...terms, lanes: lanesLeft(terms, rows) })];
  };

  const read = (row: RequestRow, now: number): Claim => {
    const input = readInput.get(row.id) as InputRow | undefined;
    const damaged = damageOf(row.id, input);
    if (damaged === undefined) return toClaim(row, input!, now);
    return { ...toClaim(row, NOTHING, now), damage: damage.note(dataLoss(damaged, row.request_id)) };
  };

  /** Undefined where the row is damaged: one must not keep all others from being claimed. */
  const takeRow = (id: number, leaseUntil: number): RequestRow | undefined => {
    try {
      const row = take.get(store.boot, leaseUntil, id) as RequestRow | undefined;
      if (!row) throw new Error(`Request row ${id} was waiting in memory but not in the database.`);
      return row;
    } catch (error) {
      if (!isDataLoss(error)) throw error;
      damage.note(error);
      backlog.drop(id);
      return undefined;
    }
  };

  // Most calls find nothing: they cost no transaction.
  return async (terms) => (backlog.waiting === 0 ? [] : store.write(() => claim(terms)));
}

const lanesLeft = ({ lanes }: ClaimTerms, rows: readonly RequestRow[]): ClaimTerms["lanes"] =>
  lanes.map(({ actions, free }) => ({ actions, free: free - rows.filter(({ action }) => actions.includes(action)).length }));

const NOTHING = { payload: "null", metadata: "{}", permissions: "[]", state: null };

function damageOf(id: number, input: InputRow | undefined): string | undefined {
  if (input?.sum !== checksumOf([id, input?.payload, input?.permissions])) return "payload";
  if (input.metadata_sum !== checksumOf([id, input.metadata])) return "metadata";
  return input.state === null || input.state_sum === checksumOf([id, input.state]) ? undefined : "checkpoint";
}

function toClaim(row: RequestRow, input: Pick<InputRow, "payload" | "metadata" | "permissions" | "state">, now: number): Claim {
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
