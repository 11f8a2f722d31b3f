/**
 * Makes a request durable, then acknowledges it (P1): admission (P14), de-duplication (P4) and queueing are one write.
 * When a slot is free and nothing waits, that write claims the request too.
 */
import { isTerminal, MAX_DELAY_MS, type RequestOptions, type ServerMessage } from "@streamer/protocol";
import { StreamerError } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { StreamerOptions } from "../options.ts";
import type { Engine } from "../ports/engine.ts";
import type { Claim, EventBody, RequestRecord, Submission, SubmitOutcome } from "../ports/requests.ts";
import { remaining, wholeRun } from "../rules/estimates.ts";
import type { Quantiles } from "../rules/durations.ts";
import type { Place } from "../rules/waiting.ts";
import { snapshotOf } from "../rules/snapshot.ts";
import { DEFAULT_RETRY } from "../rules/retry.ts";
import type { AcceptedRequest } from "./accepted.ts";
import type { Deliver } from "./deliver.ts";
import type { Work } from "./work.ts";

/** What a refused client is told to wait: about the time in which a full queue moves. */
const QUEUE_FULL_AFTER_MS = 1_000;

export interface SubmitParts {
  readonly engine: Pick<Engine, "requests" | "subscriptions" | "wakeups" | "clock">;
  readonly options: StreamerOptions;
  readonly deliver: Deliver;
  readonly work: Pick<Work, "reserve" | "free" | "run" | "slots">;
  /** How long a run should take that has gone on for `aboveMs`. */
  readonly expected: (request: AcceptedRequest, aboveMs: number) => Quantiles | undefined;
}

export interface Submit {
  submit(request: AcceptedRequest): Promise<void>;
  /** Submits a run in progress as PROCESSING (flow/run-now.ts); undefined when it could not be made durable. */
  promote(request: AcceptedRequest, startedAt: number): Promise<Claim | undefined>;
}

export function createSubmit({ engine, options, deliver, work, expected }: SubmitParts): Submit {
  const { requests, subscriptions, wakeups, clock } = engine;

  /** `elapsedMs`: of a run that is under way. */
  function submission(request: AcceptedRequest, claim: boolean, elapsedMs: number): Submission {
    const { key, requestId, connection, handler, payload, metadata, options: wanted } = request;
    const runAt = startOf(wanted, clock.now());
    const quantiles = expected(request, elapsedMs);
    return {
      key,
      requestId,
      owner: connection.owner,
      action: handler.action,
      size: request.size,
      payload,
      payloadText: JSON.stringify(payload),
      metadata,
      permissions: connection.permissions,
      priority: wanted.priority ?? 5,
      maxAttempts: wanted.max_attempts ?? handler.retry?.maxAttempts ?? DEFAULT_RETRY.maxAttempts,
      timeoutMs: wanted.timeout_ms ?? handler.timeoutMs ?? options.timeoutMs,
      retentionMs: options.retentionMs,
      limits: options.admission,
      acknowledge: ({ place, claimed }): EventBody => ({
        type: "acknowledgment",
        ...(quantiles && { estimated_ms: Math.round(quantiles.p50Ms) }),
        ...(claimed ? running(quantiles, elapsedMs) : queued(handler, quantiles, place, runAt)),
      }),
      ...(wanted.idempotency_key !== undefined && { idempotencyKey: wanted.idempotency_key }),
      ...(runAt !== undefined && { runAt }),
      ...(handler.concurrency && { concurrency: handler.concurrency }),
      ...(claim && { claim: { leaseMs: options.leaseMs } }),
    };
  }

  function queued(handler: AnyHandler, quantiles: Quantiles | undefined, place: Place, runAt: number | undefined) {
    const delayMs = Math.max(0, (runAt ?? 0) - clock.now());
    const { reason, position } = place;
    return {
      status: "queued",
      message: delayMs > 0 ? "Accepted, to run later" : "Accepted and queued",
      ...(quantiles && { eta: wholeRun(quantiles, { position: position ?? 0, slots: work.slots(handler), delayMs }) }),
      ...(position !== undefined && { position }),
      waiting_for: delayMs > 0 ? "scheduled" : reason,
      ...(delayMs > 0 && { until: Math.ceil(runAt!) }),
    } as const;
  }

  async function write(request: AcceptedRequest, claim: boolean, elapsedMs = 0): Promise<Claim | undefined> {
    const { key, requestId, connection } = request;
    const { connectionId } = connection;
    const stored = submission(request, claim, elapsedMs);
    const subscribes = request.options.subscribe ?? true;
    // Before the write, so that nothing the run says can be missed; held, so that it comes after what has to come first.
    if (subscribes) deliver.hold(connectionId, key);
    const added = subscribes && (await subscriptions.add(connectionId, key));
    let isFollowed = false;
    try {
      const outcome = await requests.submit(stored);
      isFollowed = outcome.outcome === "created" || (outcome.outcome === "existing" && outcome.record.key === key);
      if (outcome.outcome !== "created") {
        if (outcome.outcome !== "existing") throw refusal(requestId, stored, outcome);
        await answerExisting(request, outcome.record, subscribes);
        return undefined;
      }
      if (stored.runAt !== undefined) await wakeups.at(stored.runAt, key);
      await (subscribes ? deliver.publish(key, outcome.frames) : deliver.sendTo(connectionId, key, outcome.frames));
      return outcome.claim;
    } finally {
      if (subscribes) await (added && !isFollowed ? deliver.unfollow(connectionId, key) : deliver.release(connectionId, key));
    }
  }

  /** P4: what there is, from its beginning. Under another id, the snapshot's `ref` says which question it answers. */
  async function answerExisting({ connection, requestId }: AcceptedRequest, record: RequestRecord, subscribes: boolean): Promise<void> {
    const { connectionId } = connection;
    const snapshot: ServerMessage<"snapshot"> = { ...snapshotOf(record, clock.now()), recovered: true, ref: requestId };
    await deliver.answer(connectionId, snapshot, record.key);
    if (subscribes) await deliver.follow(connectionId, record.key, 0, isTerminal(record.status) ? record.seq : undefined);
  }

  return {
    promote: (request, startedAt) => write(request, true, clock.monotonic() - startedAt),
    async submit(request) {
      const { handler } = request as { handler: AnyHandler };
      const scheduled = request.options.delay_ms !== undefined || request.options.run_at !== undefined;
      const reserved = !scheduled && work.reserve(handler);
      let claim: Claim | undefined;
      try {
        claim = await write(request, reserved);
      } finally {
        if (reserved && !claim) work.free(handler);
      }
      if (claim) void work.run(claim);
    },
  };
}

function running(quantiles: Quantiles | undefined, elapsedMs: number) {
  const eta = remaining({ elapsedMs, percentage: 0 }, quantiles);
  return { status: "processing", message: "Accepted and running", ...(eta && { eta }) } as const;
}

/** When it is to start, if that is later. Nothing is kept for longer than a protocol that limits `delay_ms` foresees. */
function startOf({ run_at: runAt, delay_ms: delayMs }: RequestOptions, now: number): number | undefined {
  if (runAt === undefined) return delayMs === undefined ? undefined : now + delayMs;
  if (runAt - now <= MAX_DELAY_MS) return runAt;
  throw new StreamerError(
    "VALIDATION_ERROR",
    `run_at is more than ${MAX_DELAY_MS / 86_400_000} days away, the limit; send the request again nearer to its time.`,
    {
      details: { issues: [{ path: ["options", "run_at"], message: "too far away" }] },
    },
  );
}

function refusal(
  requestId: string,
  stored: Submission,
  outcome: Extract<SubmitOutcome, { readonly outcome: "conflict" | "refused" }>,
): StreamerError {
  if (outcome.outcome === "conflict") {
    return new StreamerError(
      "DUPLICATE_REQUEST",
      `"${requestId}" repeats the id or idempotency key of request "${outcome.requestId}" with another payload; use a new one.`,
      { details: { request_id: outcome.requestId } },
    );
  }
  const limit = stored.limits[outcome.limit];
  const whose = outcome.limit === "queued" ? "The queue" : "Your tenant's queue";
  return new StreamerError("RATE_LIMITED", `${whose} holds ${limit} requests, the limit; "${requestId}" was not accepted.`, {
    afterMs: QUEUE_FULL_AFTER_MS,
  });
}
