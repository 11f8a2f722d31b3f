/**
 * Sync requests: run at once and answered with a `response`. One that is still going at the threshold, or that needs
 * something durable, is promoted in place: submitted as PROCESSING under its own lease, acknowledged on the same socket
 * under the same id, and carried on as a queued run.
 *
 * A sync request is answered, not acknowledged: it is not on disk. Asked again under the same id while it runs, or soon
 * after, it is answered from memory instead of run again (P4 within those bounds; see docs/protocol.md).
 */
import type { JsonValue, ServerMessage, WireError } from "@streamer/protocol";
import { wireError } from "@streamer/protocol";
import { asError, Stopped, StreamerError } from "../errors.ts";
import type { StreamerOptions } from "../options.ts";
import type { Engine } from "../ports/engine.ts";
import type { Claim, Lease, RequestKey } from "../ports/requests.ts";
import { cancelledError, decide, type Ending } from "../rules/outcome.ts";
import { DEFAULT_RETRY } from "../rules/retry.ts";
import type { AcceptedRequest } from "./accepted.ts";
import type { Launch, Launched } from "./launch.ts";
import type { BegunRun } from "./learn.ts";
import type { LeasedRun } from "./process.ts";

/** Answers remembered for requests asked again, and the largest request worth remembering. */
const REMEMBERED_ANSWERS = 1_000;
const REMEMBERED_BYTES = 16_384;
/** What a client over its in-flight limit is told to wait. */
const BUSY_AFTER_MS = 100;

export interface RunNowParts {
  readonly clock: Engine["clock"];
  readonly log: Engine["log"];
  readonly options: StreamerOptions;
  readonly launch: Launch;
  readonly adopt: (run: LeasedRun) => Promise<void>;
  /** Submits a run in progress as PROCESSING; undefined when the id is taken or the store is full. */
  readonly promote: (request: AcceptedRequest, startedAt: number) => Promise<Claim | undefined>;
  readonly completed: (run: BegunRun, runMs: number) => void;
  readonly answer: (connectionId: string, message: ServerMessage) => Promise<void>;
}

export interface RunNow {
  /** durable: the id belongs to a request that was promoted, so its state is the answer. */
  run(request: AcceptedRequest): Promise<"answered" | "durable">;
  /** Tells a sync run to stop; false when there is none under the key. */
  cancel(key: RequestKey): boolean;
  /** Tells every sync run to stop; resolves when each has been answered, those that do not stop within `graceMs` included. */
  stopAll(graceMs: number): Promise<void>;
  /** Resolves when the runs there are now have ended. */
  idle(): Promise<void>;
  readonly running: number;
}

interface SyncRun {
  readonly request: AcceptedRequest;
  readonly overrunAt: number;
  readonly ended: Promise<void>;
  /** Answers without waiting for the handler any longer. */
  readonly giveUp: () => void;
  launched: Launched;
  promotion: Promise<Lease> | undefined;
}

interface Remembered {
  readonly action: string;
  readonly payload: JsonValue;
  readonly waiting: Set<string>;
  answer?: ServerMessage<"response">;
  promoted?: true;
}

export function createRunNow({ clock, log, options, launch, adopt, promote, completed, answer }: RunNowParts): RunNow {
  /** Until they are answered, or promoted: then flow/process.ts has them. */
  const running = new Map<RequestKey, SyncRun>();
  /** In the order they started, which is the order they overrun in: one timer, for the first, is enough. */
  const watched = new Set<SyncRun>();
  const remembered = new Map<RequestKey, Remembered>();
  const inFlight = new Map<string, number>();
  let watching = false;

  function watch(): void {
    const [first] = watched;
    if (watching || !first) return;
    watching = true;
    clock.after(Math.max(0, first.overrunAt - clock.monotonic()), () => {
      watching = false;
      for (const run of watched) {
        if (run.overrunAt > clock.monotonic()) break;
        void makeDurable(run).catch((error: unknown) =>
          log.warn(
            { request_id: run.request.requestId, err: asError(error) },
            "an overrunning sync run could not be promoted; it is answered when it ends",
          ),
        );
      }
      watch();
    });
  }

  function makeDurable(run: SyncRun): Promise<Lease> {
    watched.delete(run);
    return (run.promotion ??= (async () => {
      const claim = await promote(run.request, run.launched.startedAt);
      if (!claim)
        throw new StreamerError(
          "DUPLICATE_REQUEST",
          `"${run.request.requestId}" could not be made durable: its id is in use or the queue is full.`,
        );
      const memory = remembered.get(run.request.key);
      if (memory) memory.promoted = true;
      running.delete(run.request.key);
      run.launched.reporter.attach(claim.lease);
      void adopt({ ...run.launched, claim, handler: run.request.handler });
      return claim.lease;
    })());
  }

  async function begin(request: AcceptedRequest): Promise<void> {
    const { key, handler, input, requestId, connection, metadata, size, declaredMs } = request;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const { promise: gaveUp, resolve: giveUp } = Promise.withResolvers<Ending>();
    const startedAt = clock.monotonic();
    const run: SyncRun = {
      request,
      ended,
      giveUp: () => giveUp({ kind: "abandoned" }),
      overrunAt: startedAt + options.syncThresholdMs,
      promotion: undefined,
      launched: undefined as never,
    };
    running.set(key, run);
    watched.add(run);
    run.launched = launch({
      handler,
      key,
      kind: { action: handler.action, size, declaredMs },
      input: { value: input },
      resumed: undefined,
      acquireLease: () => makeDurable(run),
      request: { id: requestId, action: handler.action, attempt: 1, ...connection.owner, permissions: connection.permissions, metadata },
    });
    watch();
    try {
      const ending = await Promise.race([run.launched.execution, gaveUp]);
      const promoted = await run.promotion?.then(
        () => true,
        () => false,
      );
      if (promoted) return;
      const runMs = clock.monotonic() - startedAt;
      if (ending.kind === "returned") completed(run.launched.begun, runMs);
      await respond(run, ending, runMs);
    } finally {
      watched.delete(run);
      if (running.get(key) === run) running.delete(key);
      resolve();
    }
  }

  async function respond({ request, launched }: SyncRun, ending: Ending, processingMs: number): Promise<void> {
    const { requestId, key } = request;
    const about = {
      type: "response",
      request_id: requestId,
      timestamp: Math.round(clock.now()),
      metadata: { processing_ms: Math.round(processingMs * 1_000) / 1_000 },
    } as const;
    const error = ending.kind === "returned" ? undefined : syncError(request, launched, ending);
    const data = ending.kind === "returned" ? (ending.result as JsonValue | undefined) : undefined;
    const message: ServerMessage<"response"> = error
      ? { ...about, success: false, error }
      : { ...about, success: true, ...(data !== undefined && { data }) };
    const memory = remembered.get(key);
    const waiting = memory?.waiting ?? [request.connection.connectionId];
    try {
      await Promise.all(Array.from(waiting, (connectionId) => answer(connectionId, message)));
      if (memory) memory.answer = message;
    } catch (cause) {
      if (error) throw cause;
      remembered.delete(key);
      await answer(request.connection.connectionId, {
        ...about,
        success: false,
        error: wireError("PROCESSING_FAILED", `The result of "${requestId}" is not JSON: ${asError(cause).message}`),
      });
    }
  }

  function syncError({ requestId, handler }: AcceptedRequest, { controller }: Launched, ending: Ending): WireError {
    const stopped = controller.signal.aborted ? (controller.signal.reason as Stopped).reason : undefined;
    if (stopped === "shutting_down")
      return wireError("SERVICE_UNAVAILABLE", `The server stopped before "${requestId}" was done; send it again.`);
    const claim = { requestId, failures: 0, crashes: 0, maxAttempts: 1, timeoutMs: handler.timeoutMs ?? options.timeoutMs };
    const decision = decide(ending, { claim, stopped, retry: DEFAULT_RETRY, quarantineAfter: 1, random: () => 0 });
    return decision.kind === "fail" ? decision.error : cancelledError;
  }

  function remember(request: AcceptedRequest): void {
    if (request.bytes > REMEMBERED_BYTES) return;
    const { key, handler, payload, connection } = request;
    remembered.set(key, { action: handler.action, payload, waiting: new Set([connection.connectionId]) });
    if (remembered.size > REMEMBERED_ANSWERS) remembered.delete(remembered.keys().next().value!);
  }

  async function idle(): Promise<void> {
    await Promise.all(Array.from(running.values(), ({ ended }) => ended));
  }

  return {
    get running() {
      return running.size;
    },
    async run(request) {
      const { key, requestId, handler, payload, connection } = request;
      const { connectionId } = connection;
      const before = remembered.get(key);
      if (before) {
        if (before.action !== handler.action || JSON.stringify(before.payload) !== JSON.stringify(payload)) {
          throw new StreamerError("DUPLICATE_REQUEST", `The id "${requestId}" was just used with another payload; use a new id.`);
        }
        if (before.promoted) return "durable";
        before.waiting.add(connectionId);
        if (before.answer) await answer(connectionId, before.answer);
        return "answered";
      }
      if (running.has(key)) return "answered";
      const count = inFlight.get(connectionId) ?? 0;
      if (count >= options.admission.inFlightPerConnection) {
        throw new StreamerError("RATE_LIMITED", `This connection has ${count} requests in flight, the limit; wait for answers.`, {
          afterMs: BUSY_AFTER_MS,
        });
      }
      inFlight.set(connectionId, count + 1);
      remember(request);
      try {
        await begin(request);
      } finally {
        const left = (inFlight.get(connectionId) ?? 1) - 1;
        if (left > 0) inFlight.set(connectionId, left);
        else inFlight.delete(connectionId);
      }
      return "answered";
    },
    cancel(key) {
      const run = running.get(key);
      run?.launched.controller.abort(new Stopped("cancelled"));
      return run !== undefined;
    },
    async stopAll(graceMs) {
      for (const { launched } of running.values()) launched.controller.abort(new Stopped("shutting_down"));
      const callOff = clock.after(graceMs, () => {
        for (const { giveUp } of running.values()) giveUp();
      });
      await idle();
      callOff();
    },
    idle,
  };
}
