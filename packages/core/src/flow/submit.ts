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
import { wholeRun, type Quantiles } from "../rules/estimates.ts";
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
  readonly recorded: (action: string) => Quantiles | undefined;
}

export interface Submit {
  submit(request: AcceptedRequest): Promise<void>;
  /** Submits a run in progress as PROCESSING (flow/run-now.ts); undefined when it could not be made durable. */
  promote(request: AcceptedRequest): Promise<Claim | undefined>;
}

export function createSubmit({ engine, options, deliver, work, recorded }: SubmitParts): Submit {
  const { requests, subscriptions, wakeups, clock } = engine;

  function submission(request: AcceptedRequest, claim: boolean): Submission {
    const { key, requestId, connection, handler, payload, metadata, options: wanted, estimatedMs } = request;
    const runAt = startOf(wanted, clock.now());
    return {
      key,
      requestId,
      owner: connection.owner,
      action: handler.action,
      payload,
      metadata,
      permissions: connection.permissions,
      priority: wanted.priority ?? 5,
      maxAttempts: wanted.max_attempts ?? handler.retry?.maxAttempts ?? DEFAULT_RETRY.maxAttempts,
      timeoutMs: wanted.timeout_ms ?? handler.timeoutMs ?? options.timeoutMs,
      retentionMs: options.retentionMs,
      limits: options.admission,
      acknowledge: ({ position, claimed }) => acknowledgment(request, runAt, position, claimed),
      ...(wanted.idempotency_key !== undefined && { idempotencyKey: wanted.idempotency_key }),
      ...(runAt !== undefined && { runAt }),
      ...(estimatedMs !== undefined && { estimatedMs }),
      ...(claim && { claim: { leaseMs: options.leaseMs } }),
    };
  }

  function acknowledgment(
    { handler, estimatedMs }: AcceptedRequest,
    runAt: number | undefined,
    position: number,
    claimed: boolean,
  ): EventBody {
    const quantiles = recorded(handler.action) ?? (estimatedMs === undefined ? undefined : { p50Ms: estimatedMs, p90Ms: estimatedMs });
    const scheduled = runAt !== undefined && runAt > clock.now();
    return {
      type: "acknowledgment",
      status: claimed ? "processing" : "queued",
      message: claimed ? "Accepted and running" : scheduled ? "Accepted, to run later" : "Accepted and queued",
      ...(estimatedMs !== undefined && { estimated_ms: Math.round(estimatedMs) }),
      ...(quantiles && { eta: wholeRun(quantiles, claimed ? 0 : position, work.slots(handler)) }),
      ...(!claimed && { position, waiting_for: scheduled ? "scheduled" : "queue" }),
    };
  }

  async function write(request: AcceptedRequest, claim: boolean): Promise<Claim | undefined> {
    const { key, requestId, connection } = request;
    const { connectionId } = connection;
    const stored = submission(request, claim);
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
    promote: (request) => write(request, true),
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
