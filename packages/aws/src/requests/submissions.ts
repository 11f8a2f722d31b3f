/**
 * submit: admit, de-duplicate, make durable and, when asked, claim (P1, P4, P14). Storing and queueing are one write: the
 * stream record of the item is the queue. With an idempotency key it is a transaction of two items, the request and the
 * key. A request whose retention has ended makes way for a new one under its id.
 */
import {
  firstClaim,
  firstEvents,
  once,
  REQUEST_BYTES,
  StreamerError,
  type Place,
  type Requests,
  type Submission,
  type SubmitOutcome,
} from "@streamer/core";
import type { EventLog } from "./event-log.ts";
import { hashOf, partitionKey } from "../dynamodb/keys.ts";
import { idempotencyPk, putKey, type KeyItem } from "./idempotency.ts";
import { leavePast } from "./purges.ts";
import { isExpired, toRecord, type RequestRow } from "./rows.ts";
import { wakeupOf } from "./transitions.ts";
import type { Change, Store } from "../dynamodb/store.ts";

/** What names a request and says what its user may: nothing else in an item is without a bound of its own. */
const MAX_NAMES_BYTES = 65_536;

export function createSubmit(store: Store, log: EventLog): Requests["submit"] {
  const { chance, clock, limits, requests, stored, values } = store;

  async function existing(submission: Submission, row: RequestRow, payloadHash: string): Promise<SubmitOutcome> {
    if (row.action !== submission.action || row.payload_hash !== payloadHash) return { outcome: "conflict", requestId: row.request_id };
    return { outcome: "existing", record: await toRecord(row, { read: values.read, now: clock.now() }) };
  }

  const isThere = (row: RequestRow | undefined): row is RequestRow =>
    row !== undefined && row.tombstone_until === undefined && !isExpired(row, clock.now());

  /** The key's item as it is, and the request it stands for when there is one. */
  async function readKey(
    submission: Submission,
  ): Promise<{ readonly pk: string; readonly item?: KeyItem; readonly row?: RequestRow } | undefined> {
    const { idempotencyKey, owner } = submission;
    if (idempotencyKey === undefined) return undefined;
    const pk = idempotencyPk(owner, idempotencyKey);
    const item = await requests.get<KeyItem>({ pk });
    const row = item && item.request !== submission.key ? await store.read(item.request) : undefined;
    return { pk, ...(item && { item }), ...(row && isThere(row) && row.life === item?.life && { row }) };
  }

  let newest = { at: 0, tie: 0 };
  const tieOf = (now: number): number => {
    newest = { at: now, tie: newest.at === now ? newest.tie + 1 : 0 };
    return newest.tie;
  };

  async function build(submission: Submission, payloadHash: string, isClaimed: boolean): Promise<RequestRow> {
    const { key, owner, runAt, size, idempotencyKey, claim, payloadText: payload } = submission;
    const now = Math.round(clock.now());
    const life = { pk: partitionKey(key), life: chance.makeId() };
    const leaseUntil = now + (claim?.leaseMs ?? 0);
    return {
      ...life,
      key,
      rev: 0,
      written_by: "",
      request_id: submission.requestId,
      tenant: owner.tenantId,
      user: owner.userId,
      action: submission.action,
      payload: await values.keep(life, payload),
      payload_hash: payloadHash,
      size,
      metadata: await values.keep(life, JSON.stringify(submission.metadata)),
      permissions: submission.permissions,
      priority: submission.priority,
      max_attempts: submission.maxAttempts,
      timeout_ms: submission.timeoutMs,
      retention_ms: submission.retentionMs,
      created_at: now,
      tie: tieOf(now),
      run_at: Math.round(runAt ?? now),
      ...wakeupOf(runAt ?? now, now),
      status: isClaimed ? "PROCESSING" : "PENDING",
      attempt: isClaimed ? 1 : 0,
      failures: 0,
      crashes: 0,
      seq: 0,
      log: [],
      bytes: bytesOf(submission),
      bytes_counted: bytesOf(submission),
      ...(idempotencyKey !== undefined && { idempotency_key: idempotencyKey }),
      ...(submission.cancellation && { cancel_requested: true as const }),
      ...(isClaimed && { process: store.processId(), lease_until: leaseUntil, watch_at: leaseUntil }),
    };
  }

  return async (submission) => {
    const { key, owner, action, priority } = submission;
    const whose = { tenant: owner.tenantId, user: owner.userId, action, priority };
    assertNamesFit(submission);
    const payloadHash = hashOf(submission.payloadText);
    const due = submission.runAt === undefined || Math.round(submission.runAt) <= clock.now();
    const claimed = submission.claim !== undefined && due;
    const bytes = bytesOf(submission);
    const [full, entry, held] = await Promise.all([
      stored.reserve(owner, bytes, submission.limits),
      claimed ? undefined : limits.enter({ ...whose, due }, submission.limits),
      claimed || !due ? undefined : limits.heldBy(whose, submission.concurrency),
    ]);
    const entered = entry?.outcome === "entered" ? entry : undefined;
    const counted = entered?.counted;

    // Not before it is to be written: what is refused, or there already, stores nothing.
    const first = once(() => build(submission, payloadHash, claimed));

    let isBuilt = false;
    const giveBack = async (): Promise<void> => {
      await Promise.all([full ? undefined : stored.add(owner, -bytes), counted && limits.leave({ ...whose, counted })]);
    };

    const written = store.change<SubmitOutcome>(key, async (row): Promise<Change<SubmitOutcome>> => {
      const past = row?.tombstone_until === undefined ? row : undefined;
      if (isThere(row)) return { answer: await existing(submission, row, payloadHash) };
      const named = await readKey(submission);
      if (named?.row) return { answer: await existing(submission, named.row, payloadHash) };
      // P4 goes first: a repeat needs no room.
      if (entry?.outcome === "refused") return { answer: entry };
      if (full) return { answer: full };
      // How many others one limit holds is not counted.
      const runnable: Place = held ? { reason: held } : { reason: "queue", position: entered?.ahead ?? 0 };
      const place: Place = due ? runnable : { reason: "scheduled" };
      const built = await first();
      isBuilt = true;
      const told = { ...built, ...(held && { waiting_for: held }), ...(entered && { counted: entered.counted, tag: entered.tag }) };
      const { row: next, frames } = await log.append(told, firstEvents(submission, { place, claimed }));
      return {
        // What it is told at first is part of what any request counts for.
        next: { ...next, bytes },
        reserved: bytes,
        also: [
          ...(named ? [putKey(requests.table, named, next)] : []),
          // Past its retention, and not forgotten yet.
          ...(past ? [leavePast(requests.table, past, next.created_at)] : []),
        ],
        answer: { outcome: "created", frames, ...(claimed && { claim: firstClaim(submission, next.created_at) }) },
      };
    });
    const outcome = await written.catch(async (error: unknown) => {
      // Else it may stand all the same, or be made yet.
      if (!isBuilt) await giveBack();
      throw error;
    });
    if (outcome.outcome !== "created") await giveBack();
    return outcome;
  };
}

function bytesOf({ payloadText, metadata, permissions }: Submission): number {
  const texts = [payloadText, JSON.stringify(metadata), JSON.stringify(permissions)];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), REQUEST_BYTES);
}

function assertNamesFit({ key, requestId, owner, permissions, idempotencyKey = "" }: Submission): void {
  const bytes = Buffer.byteLength(JSON.stringify([key, requestId, owner, permissions, idempotencyKey]));
  if (bytes <= MAX_NAMES_BYTES) return;
  throw new StreamerError(
    "PAYLOAD_TOO_LARGE",
    `The names and permissions that "${requestId}" is to be kept with take ${bytes} bytes, ${MAX_NAMES_BYTES} are kept; use a token that says less.`,
    { requestId },
  );
}
