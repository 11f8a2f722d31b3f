/** submit: what there is under the id or idempotency key (P4), a limit that is reached (P14), or a new row (P1). */
import { firstClaim, type Place, type Requests, type Submission, type SubmitOutcome } from "@streamer/core";
import { forget, idempotencyName, type Row } from "./data.ts";
import { append, isExpired, print, toRecord } from "./rows.ts";
import type { State } from "./state.ts";

export function createSubmit(state: State): Requests["submit"] {
  const { data, clock, retention, queue } = state;

  function existing({ key, owner, idempotencyKey, action, payloadText }: Submission): SubmitOutcome | undefined {
    const found = [
      data.rows.get(key),
      idempotencyKey === undefined ? undefined : data.byIdempotencyKey.get(idempotencyName(owner, idempotencyKey)),
    ];
    for (const row of found) {
      if (!row || data.rows.get(row.key) !== row) continue;
      if (isExpired(row, retention.earliest())) forget(data, row);
      else if (row.action === action && row.payloadText === payloadText)
        return { outcome: "existing", record: toRecord(row, queue.placeOf(row)) };
      else return { outcome: "conflict", requestId: row.requestId };
    }
    return undefined;
  }

  function newRow(
    { key, requestId, owner, action, idempotencyKey, payloadText, size, ...rest }: Submission,
    now: number,
    runAt: number,
  ): Row {
    return {
      id: data.ids + 1,
      key,
      requestId,
      owner,
      action,
      idempotencyKey,
      payloadText,
      size,
      metadata: structuredClone(rest.metadata),
      permissions: [...rest.permissions],
      priority: rest.priority,
      maxAttempts: rest.maxAttempts,
      timeoutMs: rest.timeoutMs,
      retentionMs: Math.round(rest.retentionMs),
      createdAt: now,
      runAt,
      status: "PENDING",
      attempt: 0,
      failures: 0,
      crashes: 0,
      cancelRequested: false,
      seq: 0,
      events: [],
      progress: undefined,
      ending: undefined,
      failedAt: undefined,
      checkpoint: undefined,
      endedAt: undefined,
      expiresAt: undefined,
      lease: undefined,
      dueAt: undefined,
      told: undefined,
    };
  }

  function store(row: Row): void {
    data.ids = row.id;
    data.rows.set(row.key, row);
    data.live.add(row);
    if (row.idempotencyKey !== undefined) data.byIdempotencyKey.set(idempotencyName(row.owner, row.idempotencyKey), row);
  }

  function submit(submission: Submission): SubmitOutcome {
    const { limits, owner, claim, concurrency } = submission;
    const now = Math.round(clock.now());
    const runAt = submission.runAt === undefined ? now : Math.ceil(submission.runAt);
    const known = existing(submission);
    if (known) return known;
    const isDue = runAt <= now;
    const claimed = claim !== undefined && isDue;
    const waiting = queue.waiting();
    if (!claimed && waiting.length >= limits.queued) return { outcome: "refused", limit: "queued" };
    const ofTenant = waiting.filter((row) => row.owner.tenantId === owner.tenantId);
    if (!claimed && ofTenant.length >= limits.queuedPerTenant) return { outcome: "refused", limit: "queuedPerTenant" };

    const row = newRow(submission, now, runAt);
    const place: Place = isDue ? queue.place(row, concurrency) : { reason: "scheduled" };
    const acknowledgment = [submission.acknowledge({ place, claimed })];
    const frames = print(row, acknowledgment, clock.now());
    append(row, frames, acknowledgment);
    store(row);
    if (!claimed) {
      Object.assign(row, { told: { ...place, at: now }, dueAt: isDue ? -Infinity : undefined });
      return { outcome: "created", frames };
    }
    Object.assign(row, { status: "PROCESSING", attempt: 1, lease: { boot: state.boot, until: clock.monotonic() + claim.leaseMs } });
    return { outcome: "created", frames, claim: firstClaim({ ...submission, runAt }, now) };
  }

  return async (submission) => {
    const outcome = await state.write(() => submit(submission));
    if (outcome.outcome === "created" && !outcome.claim) state.onRunnable();
    return outcome;
  };
}
