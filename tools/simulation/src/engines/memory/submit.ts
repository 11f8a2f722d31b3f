/** submit: what there is under the id or idempotency key (P4), a limit that is reached (P14), or a new row (P1). */
import { firstClaim, firstEvents, type Place, type Requests, type Submission, type SubmitOutcome } from "@streamer/core";
import { forget, idempotencyName, type Row } from "./data.ts";
import { append, isExpired, print, toRecord } from "./rows.ts";
import type { State } from "./state.ts";
import { bytesOf } from "./usage.ts";

export function createSubmit(state: State): Requests["submit"] {
  const { data, clock, retention, queue, usage } = state;

  function find({ key, owner, idempotencyKey }: Submission): readonly Row[] {
    const named = idempotencyKey === undefined ? undefined : data.byIdempotencyKey.get(idempotencyName(owner, idempotencyKey));
    return [data.rows.get(key), named].filter((row) => row !== undefined);
  }

  function existing(row: Row, { action, payloadText }: Submission): SubmitOutcome {
    return row.action === action && row.payloadText === payloadText
      ? { outcome: "existing", record: toRecord(row, queue.placeOf(row)) }
      : { outcome: "conflict", requestId: row.requestId };
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
      cancelRequested: rest.cancellation !== undefined,
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
    const found = find(submission);
    const known = found.find((row) => !isExpired(row, retention.earliest()));
    if (known) return existing(known, submission);
    const isDue = runAt <= now;
    const claimed = claim !== undefined && isDue;
    const limit = claimed ? undefined : queue.limitReached(limits, owner);
    if (limit) return { outcome: "refused", limit };
    const full = usage.full(owner, limits, bytesOf(submission.payloadText));
    if (full) return full;

    const row = newRow(submission, now, runAt);
    const place: Place = isDue ? queue.place(row, concurrency) : { reason: "scheduled" };
    const events = firstEvents(submission, { place, claimed });
    const frames = print(row, events, clock.now());
    append(row, frames, events);
    // Under its own id the new one takes the place of what is past its retention; else that is left to the purge.
    const inTheWay = found.find(({ key }) => key === row.key);
    if (inTheWay) forget(data, inTheWay);
    store(row);
    if (!claimed) {
      const dueAt = submission.delayMs === undefined ? undefined : clock.monotonic() + Math.min(runAt - clock.now(), submission.delayMs);
      Object.assign(row, { told: { ...place, at: now }, dueAt: isDue ? -Infinity : dueAt });
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
