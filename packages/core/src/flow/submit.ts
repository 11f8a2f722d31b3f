/**
 * Makes a request durable, then acknowledges it (P1): admission (P14), de-duplication (P4) and queueing are one write.
 * When a slot is free and nothing waits, that write claims the request too.
 */
import { isTerminal, MAX_DELAY_MS, type RequestOptions, type ServerMessage } from "@streamer/protocol";
import { asError, StreamerError } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { StreamerOptions } from "../options.ts";
import type { Engine } from "../ports/engine.ts";
import type { Claim, EventBody, RequestRecord, Submission, SubmitOutcome } from "../ports/requests.ts";
import { remaining, wholeRun } from "../rules/estimates.ts";
import type { Quantiles } from "../rules/durations.ts";
import type { Place } from "../rules/waiting.ts";
import { snapshotOf } from "../rules/snapshot.ts";
import { queueFull } from "../rules/queue-full.ts";
import { storageFull } from "../rules/stored-bytes.ts";
import type { AcceptedRequest } from "./accepted.ts";
import type { Deliver } from "./deliver/deliver.ts";
import type { Following } from "./deliver/following.ts";
import type { Faults } from "./faults.ts";
import type { Estimates } from "./learn.ts";
import type { Promoted, RunInProgress } from "./runs/promotion.ts";
import type { Runs } from "./runs/runs.ts";

export interface SubmitParts {
  readonly engine: Pick<Engine, "requests" | "wakeups" | "clock" | "log">;
  readonly faults: Pick<Faults, "refusal">;
  readonly options: StreamerOptions;
  readonly deliver: Deliver;
  readonly following: Following;
  readonly runs: Pick<Runs, "slots" | "join" | "left" | "start" | "beginning">;
  readonly estimates: Pick<Estimates, "known">;
}

export type Submit = ReturnType<typeof createSubmit>;

const NOT_BEGUN: RunInProgress = { elapsedMs: 0, isCancelled: false };

type Stored =
  | { readonly outcome: "created"; readonly claim: Claim | undefined }
  | { readonly outcome: "existing"; readonly record: RequestRecord };

export function createSubmit({ engine, faults, options, deliver, following, runs, estimates }: SubmitParts) {
  const { requests, wakeups, clock, log } = engine;
  const { slots } = runs;

  function submission(request: AcceptedRequest, claim: boolean, { elapsedMs, isCancelled }: RunInProgress): Submission {
    const { key, requestId, connection, handler, payload, payloadText, metadata, options: wanted, terms, kind } = request;
    const start = startOf(wanted, clock.now());
    const quantiles = estimates.known(kind, elapsedMs);
    return {
      key,
      requestId,
      owner: connection.owner,
      action: handler.action,
      size: kind.size,
      payload,
      payloadText,
      metadata,
      permissions: connection.permissions,
      ...terms,
      retentionMs: options.retentionMs,
      limits: options.admission,
      acknowledge: ({ place, claimed }): EventBody => ({
        type: "acknowledgment",
        ...(quantiles && { estimated_ms: Math.round(quantiles.p50Ms) }),
        ...(claimed ? running(quantiles, elapsedMs) : queued(handler, quantiles, place, start?.runAt)),
      }),
      ...(wanted.idempotency_key !== undefined && { idempotencyKey: wanted.idempotency_key }),
      ...start,
      ...(handler.concurrency && { concurrency: handler.concurrency }),
      ...(isCancelled && { cancellation: { type: "cancellation", stage: "requested" } as const }),
      ...(claim && { claim: { leaseMs: options.leaseMs } }),
    };
  }

  function queued(handler: AnyHandler, quantiles: Quantiles | undefined, place: Place, runAt: number | undefined) {
    const delayMs = Math.max(0, (runAt ?? 0) - clock.now());
    const { reason, position } = place;
    return {
      status: "queued",
      message: delayMs > 0 ? "Accepted, to run later" : "Accepted and queued",
      ...(quantiles && { eta: wholeRun(quantiles, { position: position ?? 0, slots: slots.of(handler), delayMs }) }),
      // How many are ahead is known of those that are due, and says nothing of a request that is to run later.
      ...(position !== undefined && delayMs === 0 && { position }),
      waiting_for: delayMs > 0 ? "scheduled" : reason,
      ...(delayMs > 0 && { until: Math.ceil(runAt!) }),
    } as const;
  }

  /** Calls `onWritten` as soon as the write is made, with its claim if it made one: no slot waits until a client has been told. */
  async function write(
    request: AcceptedRequest,
    claim: boolean,
    progress: RunInProgress,
    onWritten: (claim: Claim | undefined) => void,
  ): Promise<Stored> {
    const { key, connection } = request;
    const { connectionId } = connection;
    const stored = submission(request, claim, progress);
    const subscribes = subscribesTo(request);
    // Before the write, so that nothing the run says can be missed; held, so that it comes after what has to come first.
    if (subscribes) await deliver.hold(connectionId, key, 0);
    let isFollowed = false;
    try {
      const outcome = await requests.submit(stored);
      isFollowed = outcome.outcome === "created";
      if (outcome.outcome !== "created") {
        onWritten(undefined);
        if (outcome.outcome !== "existing") throw refusal(stored, outcome, clock.now());
        await answerExisting(request, outcome.record, subscribes);
        return { outcome: "existing", record: outcome.record };
      }
      const told = subscribes ? deliver.publish(key, outcome.frames) : deliver.sendTo(connectionId, key, outcome.frames);
      onWritten(outcome.claim);
      if (stored.runAt !== undefined) await wake(stored.runAt, request);
      await told;
      return { outcome: "created", claim: outcome.claim };
    } finally {
      if (subscribes) await deliver.release(connectionId, key, isFollowed);
    }
  }

  /** Whoever waits for the same request is refused as the one who sent it. */
  async function refuseAll(requestId: string, connectionIds: readonly string[], error: unknown): Promise<void> {
    const frame = {
      type: "error",
      request_id: requestId,
      timestamp: Math.round(clock.now()),
      error: faults.refusal(error, requestId),
    } as const;
    await Promise.all(connectionIds.map((connectionId) => deliver.answer(connectionId, frame)));
  }

  /** The request stands already: an engine that cannot be told of its time finds it when it next looks. */
  async function wake(runAt: number, { key, requestId }: AcceptedRequest): Promise<void> {
    await wakeups.at(runAt, key).catch((error: unknown) => {
      log.error(
        { request_id: requestId, err: asError(error) },
        "a wakeup could not be set; the request is found when the engine next looks",
      );
    });
  }

  /** P4: what there is, from its beginning. Under another id, the snapshot's `ref` says which question it answers. */
  async function answerExisting({ connection, requestId }: AcceptedRequest, record: RequestRecord, subscribes: boolean): Promise<void> {
    const { connectionId } = connection;
    const snapshot: ServerMessage<"snapshot"> = { ...snapshotOf(record, clock.now()), recovered: true, ref: requestId };
    await deliver.answer(connectionId, snapshot, record.key);
    if (subscribes) await deliver.follow(connectionId, record.key, 0, isTerminal(record.status) ? record.seq : undefined);
  }

  const roomFor = async (request: AcceptedRequest): Promise<() => void> =>
    subscribesTo(request) ? following.enter(request.connection.connectionId, request.key) : () => {};

  async function writeOwn(request: AcceptedRequest): Promise<Stored> {
    const { handler } = request;
    const isLater = request.options.delay_ms !== undefined || request.options.run_at !== undefined;
    let isReserved = !isLater && slots.reserve(handler);
    const since = clock.monotonic();
    const leave = (claim: Claim | undefined): void => {
      if (claim) void runs.start(claim, request, since);
      else if (isReserved) slots.free(handler);
      isReserved = false;
    };
    try {
      return await write(request, isReserved, NOT_BEGUN, leave);
    } finally {
      leave(undefined);
    }
  }

  /** Unless a run of its id is being answered at once: then undefined, and that run's answer is its own. */
  async function submit(request: AcceptedRequest, isHeld: boolean): Promise<Stored | undefined> {
    // First of all: from the asking for a run of the same id to the write nothing else is waited for (P4).
    const leave = await roomFor(request);
    try {
      return !isHeld && (await runs.join(request)) ? undefined : await writeOwn(request);
    } finally {
      leave();
    }
  }

  /** Its id is held until it is known whether it stands; whoever asked for it meanwhile is told. */
  async function submitHeld(request: AcceptedRequest): Promise<void> {
    let stored: Stored | undefined;
    try {
      stored = await submit(request, true);
    } catch (error) {
      await refuseAll(request.requestId, await runs.left(request, "forgotten"), error);
      throw error;
    }
    const others = await runs.left(request, "durable");
    const endedAt = stored?.outcome === "existing" && isTerminal(stored.record.status) ? stored.record.seq : undefined;
    await Promise.all(others.map((connectionId) => deliver.follow(connectionId, request.key, 0, endedAt)));
  }

  return {
    /**
     * Submits a run in progress as PROCESSING (runs/life.ts), followed or not as it was asked: it was admitted already, and so
     * many run at once at most. Rejects when the store does not take it.
     */
    async promote(request: AcceptedRequest, progress: RunInProgress): Promise<Promoted> {
      const stored = await write(request, true, progress, () => {});
      if (stored.outcome === "existing") return { outcome: "taken" };
      if (!stored.claim) throw new StreamerError("STORAGE_ERROR", `The store took "${request.requestId}" without its claim.`);
      return { outcome: "claimed", claim: stored.claim };
    },
    /** `isHeld`: as `runs.answer` has it. */
    submit: (request: AcceptedRequest, isHeld: boolean): Promise<void> =>
      runs.beginning(async () => {
        await (isHeld ? submitHeld(request) : submit(request, false));
      }),
  };
}

const subscribesTo = ({ options }: AcceptedRequest): boolean => options.subscribe ?? true;

function running(quantiles: Quantiles | undefined, elapsedMs: number) {
  const eta = remaining({ elapsedMs, percentage: 0 }, quantiles);
  return { status: "processing", message: "Accepted and running", ...(eta && { eta }) } as const;
}

/** When it is to start, if that is later. Nothing is kept for longer than a protocol that limits `delay_ms` foresees. */
function startOf({ run_at: runAt, delay_ms: delayMs }: RequestOptions, now: number): Pick<Submission, "runAt" | "delayMs"> | undefined {
  if (runAt === undefined) return delayMs === undefined ? undefined : { runAt: now + delayMs, delayMs };
  if (runAt - now <= MAX_DELAY_MS) return { runAt };
  throw new StreamerError(
    "VALIDATION_ERROR",
    `run_at is more than ${MAX_DELAY_MS / 86_400_000} days away, the limit; send the request again nearer to its time.`,
    {
      details: { issues: [{ path: ["options", "run_at"], message: "too far away" }] },
    },
  );
}

function refusal(
  { requestId, limits }: Pick<Submission, "requestId" | "limits">,
  outcome: Extract<SubmitOutcome, { readonly outcome: "conflict" | "refused" | "full" }>,
  now: number,
): StreamerError {
  if (outcome.outcome === "conflict") {
    return new StreamerError(
      "DUPLICATE_REQUEST",
      `"${requestId}" repeats the id or idempotency key of request "${outcome.requestId}" with another payload; use a new one.`,
      { details: { request_id: outcome.requestId } },
    );
  }
  if (outcome.outcome === "full") return storageFull(requestId, outcome, { most: limits, now });
  return queueFull(requestId, outcome.limit, limits[outcome.limit]);
}
