/** claim: takes what fits the free slots, by fair shares (backlog.ts); each claim raises the attempt (P3). */
import type { JsonValue } from "@streamer/protocol";
import { isDataLoss, type Claim, type ClaimTerms, type Requests } from "@streamer/core";
import { checksumOf, checksumOfRequest, isIntact } from "../sqlite/checksums.ts";
import { dataLoss } from "../sqlite/damage.ts";
import type { StoredInput } from "./row-images.ts";
import type { RequestRow } from "./rows.ts";
import type { Store } from "../sqlite/store.ts";

type InputRow = StoredInput & {
  readonly sum: number | null;
  readonly metadata_sum: number | null;
  readonly state: string | null;
  readonly state_sum: number | null;
};

/** A request that was taken, with what is stored for its run; `damaged` names what of that cannot be used. */
interface Taken {
  readonly row: RequestRow;
  readonly input: StoredInput;
  readonly state: string | null;
  readonly damaged: string | undefined;
}

export function createClaim(store: Store): Requests["claim"] {
  const { db, clock, backlog, damage, images } = store;
  const idOf = db.prepare("SELECT id FROM requests WHERE key = ?");
  const readRow = db.prepare("SELECT * FROM requests WHERE id = ? AND status IN ('PENDING', 'RETRYING')");
  // RETRYING becomes PENDING and PROCESSING in one step: nobody has to look at it in between.
  const take = db.prepare(`
    UPDATE requests SET status = 'PROCESSING', attempt = ?, boot = ?, lease_until = ?, sum = ?
    WHERE id = ? AND status IN ('PENDING', 'RETRYING')`);
  const readInput = db.prepare(`
    SELECT payload, metadata, permissions, inputs.sum, metadata_sum, state, checkpoints.sum AS state_sum FROM inputs LEFT JOIN checkpoints USING (request) WHERE request = ?`);

  const claim = (terms: ClaimTerms): Claim[] => {
    const now = clock.now();
    const only = terms.key === undefined ? undefined : ((idOf.get(terms.key)?.["id"] ?? -1) as number);
    const leaseUntil = clock.monotonic() + terms.leaseMs;
    const ids = backlog.take(terms, now, only);
    const taken = ids.flatMap((id) => takeOne(id, leaseUntil) ?? []);
    const claims = taken.map((one) => toClaim(one, damage, now));
    // Rows that are damaged have left the backlog: others get their slots.
    return taken.length === ids.length ? claims : [...claims, ...claim({ ...terms, lanes: lanesLeft(terms, taken) })];
  };

  /** Undefined where the row is damaged: one must not keep all others from being claimed. */
  const takeOne = (id: number, leaseUntil: number): Taken | undefined => {
    try {
      const { row: before, ...rest } = found(id);
      const moved = { ...before, status: "PROCESSING", attempt: before.attempt + 1, boot: store.boot, lease_until: leaseUntil } as const;
      const row = { ...moved, sum: checksumOfRequest(moved) };
      if (take.run(row.attempt, row.boot, row.lease_until, row.sum, id).changes !== 1) throw notInDatabase(id);
      images.put({ row, input: undefined, hasCheckpoint: rest.state !== null });
      return { row, ...rest };
    } catch (error) {
      if (!isDataLoss(error)) throw error;
      damage.note(error);
      backlog.drop(id);
      return undefined;
    }
  };

  /** As it was submitted by this process, or as it is stored. */
  const found = (id: number): Taken => {
    const image = images.byId(id);
    if (image?.input) return { row: image.row, input: image.input, state: null, damaged: undefined };
    const row = readRow.get(id) as RequestRow | undefined;
    if (!row) throw notInDatabase(id);
    damage.check(isIntact(row), "record", row.request_id);
    const input = readInput.get(id) as InputRow | undefined;
    const damaged = damageOf(id, input);
    return damaged === undefined ? { row, input: input!, state: input!.state, damaged } : { row, input: NOTHING, state: null, damaged };
  };

  // Most calls find nothing: they cost no transaction.
  return async (terms) => (backlog.waiting === 0 ? [] : store.write(() => claim(terms)));
}

const notInDatabase = (id: number): Error => new Error(`Request row ${id} was waiting in memory but not in the database.`);

const lanesLeft = ({ lanes }: ClaimTerms, taken: readonly Taken[]): ClaimTerms["lanes"] =>
  lanes.map(({ actions, free }) => ({ actions, free: free - taken.filter(({ row }) => actions.includes(row.action)).length }));

const NOTHING: StoredInput = { payload: "null", metadata: "{}", permissions: "[]" };

function damageOf(id: number, input: InputRow | undefined): string | undefined {
  if (input?.sum !== checksumOf([id, input?.payload, input?.permissions])) return "payload";
  if (input.metadata_sum !== checksumOf([id, input.metadata])) return "metadata";
  return input.state === null || input.state_sum === checksumOf([id, input.state]) ? undefined : "checkpoint";
}

function toClaim({ row, input, state, damaged }: Taken, damage: Pick<Store["damage"], "note">, now: number): Claim {
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
    ...(state !== null && { checkpoint: JSON.parse(state) as JsonValue }),
    ...(damaged !== undefined && { damage: damage.note(dataLoss(damaged, row.request_id)) }),
    cancelRequested: row.cancel_requested === 1,
    submittedAt: row.created_at,
    queueMs: Math.max(0, now - row.run_at),
  };
}
