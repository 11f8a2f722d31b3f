/**
 * submit: admit, de-duplicate, make durable and, when asked, claim, in one write (P1, P4, P14). A request whose
 * retention has ended makes way for a new one under its id.
 */
import {
  firstClaim,
  firstEvents,
  REQUEST_BYTES,
  type Clock,
  type Place,
  type Requests,
  type Submission,
  type SubmitOutcome,
} from "@streamer/core";
import { createFullness } from "./fullness.ts";
import { SELECT_FULL, createForget, isExpired, toRecord, type FullRow } from "./rows.ts";
import { checksumOf, checksumOfRequest, isIntact } from "../sqlite/checksums.ts";
import type { Store } from "../sqlite/store.ts";

/** What a request takes that holds nothing but its payload. */
const bytesOf = (payload: string): number => REQUEST_BYTES + Buffer.byteLength(payload);

interface Begun {
  readonly now: number;
  readonly claimed: boolean;
  /** Of its newest event. */
  readonly seq: number;
}

export function createSubmit(store: Store): Requests["submit"] {
  const { db, clock, retention, backlog, damage } = store;
  const byKey = db.prepare(`${SELECT_FULL} WHERE requests.key = ?`);
  const byIdempotencyKey = db.prepare(`${SELECT_FULL} WHERE requests.tenant = ? AND requests.user = ? AND requests.idempotency_key = ?`);
  const insertRequest = db.prepare(`
    INSERT INTO requests (id, key, request_id, tenant, user, action, idempotency_key, priority, max_attempts, timeout_ms,
      size, retention_ms, created_at, run_at, status, attempt, boot, lease_until, bytes, cancel_requested, seq, sum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const insertInput = db.prepare(
    "INSERT INTO inputs (request, payload, metadata, permissions, sum, metadata_sum) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const input = db.prepare("SELECT payload, permissions, sum FROM inputs WHERE request = ?");
  const freeIdempotencyKey = db.prepare("UPDATE requests SET idempotency_key = NULL WHERE id = ?");
  const forget = createForget(store);
  const fullness = createFullness(store);

  const payloadOf = ({ id, request_id: requestId }: FullRow): string => {
    const { payload, permissions, sum } = input.get(id) ?? {};
    damage.check(sum === checksumOf([id, payload, permissions]), "payload", requestId);
    return payload as string;
  };

  /** What already stands under the submission's id or idempotency key (P4), and what is past its retention there. */
  const look = (submission: Submission, payload: string): { readonly known?: SubmitOutcome; readonly expired: readonly FullRow[] } => {
    const { key, owner, idempotencyKey, action } = submission;
    const found = [
      store.keys.mayHave(key) && byKey.get(key),
      idempotencyKey !== undefined && byIdempotencyKey.get(owner.tenantId, owner.userId, idempotencyKey),
    ];
    const expired: FullRow[] = [];
    for (const row of found as unknown as (FullRow | false | undefined)[]) {
      if (!row) continue;
      damage.check(isIntact(row), "record", row.request_id);
      if (isExpired(row, retention.earliest())) expired.push(row);
      else if (row.action === action && payloadOf(row) === payload)
        return { known: { outcome: "existing", record: toRecord(row, backlog.placeOf(row.id, clock.now()), damage) }, expired };
      else return { known: { outcome: "conflict", requestId: row.request_id }, expired };
    }
    return { expired };
  };

  /** One that is in the way by its idempotency key alone is left to the purge: it has files, and may be asked for. */
  const makeWay = (row: FullRow, { key }: Submission): void => {
    if (row.key === key) forget(row.id);
    else freeIdempotencyKey.run(row.id);
  };

  const insert = (submission: Submission, payload: string, begun: Begun): number => {
    const { now, claimed, seq } = begun;
    const { owner, claim } = submission;
    const [metadata, permissions] = [JSON.stringify(submission.metadata), JSON.stringify(submission.permissions)];
    const bytes = bytesOf(payload) + Buffer.byteLength(metadata) + Buffer.byteLength(permissions);
    const row = {
      ...NEW_ROW,
      id: store.nextId(),
      key: submission.key,
      request_id: submission.requestId,
      tenant: owner.tenantId,
      user: owner.userId,
      action: submission.action,
      idempotency_key: submission.idempotencyKey ?? null,
      priority: Math.round(submission.priority),
      max_attempts: Math.round(submission.maxAttempts),
      timeout_ms: Math.round(submission.timeoutMs),
      size: Math.round(submission.size),
      retention_ms: Math.round(submission.retentionMs),
      created_at: now,
      run_at: submission.runAt ?? now,
      status: claimed ? "PROCESSING" : "PENDING",
      attempt: claimed ? 1 : 0,
      boot: claimed ? store.boot : null,
      lease_until: claimed ? clock.monotonic() + claim!.leaseMs : null,
      bytes,
      cancel_requested: submission.cancellation ? 1 : 0,
      seq,
    } as const;
    const sum = checksumOfRequest(row);
    store.keys.add(row.key);
    insertRequest.run(
      row.id,
      row.key,
      row.request_id,
      row.tenant,
      row.user,
      row.action,
      row.idempotency_key,
      row.priority,
      row.max_attempts,
      row.timeout_ms,
      row.size,
      row.retention_ms,
      row.created_at,
      row.run_at,
      row.status,
      row.attempt,
      row.boot,
      row.lease_until,
      row.bytes,
      row.cancel_requested,
      row.seq,
      sum,
    );
    store.usage.add(row.tenant, row.user, bytes);
    insertInput.run(row.id, payload, metadata, permissions, checksumOf([row.id, payload, permissions]), checksumOf([row.id, metadata]));
    store.images.put({ row: { ...row, sum }, input: { payload, metadata, permissions }, hasCheckpoint: false });
    return row.id;
  };

  const submit = (submission: Submission): SubmitOutcome => {
    const { action, priority, limits, owner } = submission;
    const now = Math.round(clock.now());
    const runAt = submission.runAt === undefined ? now : Math.ceil(submission.runAt);
    const isDue = runAt <= now;
    const payload = submission.payloadText;
    const { known, expired } = look(submission, payload);
    if (known) return known;
    const claimed = submission.claim !== undefined && isDue;
    const limit = claimed ? undefined : backlog.limitReached(limits, owner.tenantId, owner.userId);
    if (limit) return { outcome: "refused", limit };
    const full = fullness(owner, limits, bytesOf(payload));
    if (full) return full;
    const place: Place = !isDue
      ? { reason: "scheduled" }
      : backlog.place({ action, tenant: owner.tenantId, user: owner.userId, priority }, submission.concurrency, now);
    const events = firstEvents(submission, { place, claimed });
    // Not before it is taken: a refused one leaves what is there to the purge, which removes its files too.
    for (const row of expired) makeWay(row, submission);
    const id = insert({ ...submission, runAt }, payload, { now, claimed, seq: events.length });
    const { frames } = store.log.append({ id, request_id: submission.requestId, seq: 0 }, events);
    if (claimed) {
      backlog.start({ id, action, tenant: owner.tenantId });
      return { outcome: "created", frames, claim: firstClaim(submission, now) };
    }
    const told = { ...place, at: now };
    const due = dueAtOf({ ...submission, runAt }, clock);
    backlog.add({ id, action, tenant: owner.tenantId, user: owner.userId, priority, runAt, told, ...due });
    return { outcome: "created", frames };
  };

  return async (submission) => {
    const outcome = await store.write(() => submit(submission));
    if (outcome.outcome === "created" && !outcome.claim) store.onRunnable();
    return outcome;
  };
}

/** What no request has before it has run. */
const NEW_ROW = { failures: 0, crashes: 0, progress: null, progress_seq: null, ended_at: null, end_seq: null, expires_at: null } as const;

/** By this process's own time, unless it is to run at a moment of the wall clock. */
function dueAtOf({ runAt, delayMs = Infinity }: { readonly runAt: number; readonly delayMs?: number }, clock: Clock): { dueAt?: number } {
  const waitMs = runAt - clock.now();
  if (waitMs <= 0) return { dueAt: -Infinity };
  return delayMs === Infinity ? {} : { dueAt: clock.monotonic() + Math.min(waitMs, delayMs) };
}
