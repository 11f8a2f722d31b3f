/**
 * createStreamer joins the stages into one flow over an engine: the only file that knows every stage.
 */
import { SUBPROTOCOL, type ActionDescription } from "@streamer/protocol";
import { Stopped, StreamerError } from "./errors.ts";
import { createArrivals } from "./flow/arrivals.ts";
import { createControl, missing } from "./flow/control.ts";
import { createDeliver } from "./flow/deliver.ts";
import { createExecute } from "./flow/execute.ts";
import { createInspect } from "./flow/inspect.ts";
import { createLaunch, type MakeReporter } from "./flow/launch.ts";
import { createEstimates } from "./flow/learn.ts";
import { createProcess } from "./flow/process.ts";
import { createReceive } from "./flow/receive.ts";
import { createReporter } from "./flow/report.ts";
import { createRoute } from "./flow/route.ts";
import { createRunNow } from "./flow/run-now.ts";
import { createTellWaits } from "./flow/wait.ts";
import { createSubmit, type SubmitParts } from "./flow/submit.ts";
import { createWork } from "./flow/work.ts";
import type { AnyHandler } from "./handler.ts";
import { permissions, type Middleware } from "./middleware.ts";
import { resolveOptions, type PartialOptions } from "./options.ts";
import type { Connection } from "./ports/connections.ts";
import type { Engine } from "./ports/engine.ts";
import type { RequestKey } from "./ports/requests.ts";
import { DEFAULT_BATCHING } from "./rules/batching.ts";
import { calibrated, createDescriptions } from "./rules/descriptions.ts";
import { blobPrefix, requestKey } from "./rules/identity.ts";
import { cancelledError, quarantineError } from "./rules/outcome.ts";
import { register } from "./rules/registration.ts";

export const VERSION = "0.1.0";
/** Requests forgotten at a time: a purge must not hold up the writes of others. */
const PURGE_BATCH = 500;
/** After the grace of a stop, what runs is told to stop and has this long to do so before it is handed back anyway. */
const STOP_GRACE_MS = 2_000;

export interface StreamerParts {
  readonly handlers: readonly AnyHandler[];
  readonly engine: Engine;
  readonly options?: PartialOptions;
  readonly middleware?: readonly Middleware[];
  /** Told when a run ends and its slot is free: the moment to call `work` again. */
  readonly onSlotFree?: () => void;
}

/** What an engine's entry points call. No method ever rejects because of what a client or a handler did. */
export interface Streamer {
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  /** The handlers as clients are told of them. */
  describe(): readonly ActionDescription[];
  /** A connection has opened and its token is verified: registers it and greets it with `welcome`. */
  connect(connection: Connection): Promise<void>;
  /** One frame from a connection. Resolves when it has been answered. */
  receive(connectionId: string, data: string | Uint8Array): Promise<void>;
  disconnect(connectionId: string): Promise<void>;
  /** Claims what fits the free slots (or `key` alone) and starts running it. */
  work(key?: RequestKey): Promise<{ readonly claimed: number; /** When those runs have ended. */ readonly ended: Promise<void> }>;
  /** Tells those who follow waiting requests why they wait, where that has changed: of some, or of all. */
  tellWaits(keys?: readonly RequestKey[]): Promise<void>;
  /** Takes back requests whose process died; call at start and every few seconds. */
  recover(): Promise<void>;
  /** Forgets what is past retention, blobs too; call every few minutes. Answers how many. */
  purge(): Promise<number>;
  /** Runs in progress, sync and async. */
  readonly running: number;
  /** Sends `welcome` to a connection that is registered already: where the server cannot speak first, before its first answer. */
  greet(connectionId: string): Promise<void>;
  /** Tells the followers of a request what other processes have left untold. */
  catchUp(key: RequestKey): Promise<void>;
  /** Resolves when nothing runs and nothing is being sent. */
  settled(): Promise<void>;
  /**
   * The process must end, or freeze, soon: its runs stop within `graceMs` and go on in another. With `requireCheckpoint`
   * a run that has saved none has used up its time instead: begun anew it would never end.
   */
  handBack(graceMs: number, terms: { readonly requireCheckpoint: boolean }): Promise<void>;
  /** Leaves the followers of all requests to other processes: the last thing before this one freezes. */
  handOver(): Promise<void>;
  /** Refuses new work, lets runs finish for `graceMs`, then hands the rest back to the queue (P13). */
  stop(graceMs: number): Promise<void>;
}

export function createStreamer({
  handlers: list,
  engine,
  options: chosen,
  middleware: added = [],
  onSlotFree = () => {},
}: StreamerParts): Streamer {
  const options = resolveOptions(chosen);
  const handlers = register(list);
  const middleware = [permissions, ...added];
  const { requests, connections, clock, log, blobs } = engine;
  const handlersAreLimited = Array.from(handlers.values()).some(({ concurrency }) => concurrency);
  let stopping = false;

  async function dropConnection(connectionId: string): Promise<void> {
    receive.forget(connectionId);
    await Promise.all([deliver.unfollowAll(connectionId), connections.close(connectionId)]);
  }

  const deliver = createDeliver(engine, options.linkMs, dropConnection);
  const { publish, publishLast, answer } = deliver;
  const estimates = createEstimates({ engine, handlers, random: Math.random });
  const processing = createProcess({ engine, options, publish, publishLast, completed: estimates.record, random: Math.random });

  const makeReporter: MakeReporter = ({ handler, key, kind, acquireLease }, controller) =>
    createReporter({
      clock,
      log,
      acquireLease,
      batching: { ...DEFAULT_BATCHING, ...handler.progress },
      leaseMs: options.leaseMs,
      maxBytes: options.valueLength,
      recorded: (aboveMs) => estimates.known(kind, aboveMs),
      advance: (lease, change) => requests.advance(lease, change),
      publish: (lease, frames) => publish(lease.key, frames),
      onLost: () => controller.abort(new Stopped("lease_lost")),
      onCancelRequested: () => processing.cancel(key),
    });
  const launch = createLaunch({ execute: createExecute(engine, middleware), makeReporter, clock, begin: estimates.begin });

  const work = createWork({ engine, handlers, options, launch, adopt: processing.adopt, onSlotFree });
  const expected: SubmitParts["expected"] = ({ handler, size, declaredMs }, aboveMs) =>
    estimates.known({ action: handler.action, size, declaredMs }, aboveMs);
  const tellWaits = createTellWaits({
    engine,
    terms: work.terms,
    slots: work.slotsOf,
    expected(action, size) {
      // Not by a function of the input: that would be read and validated again for every place in line.
      const estimate = handlers.get(action)?.estimate;
      return estimates.known({ action, size, declaredMs: typeof estimate === "number" ? estimate : undefined });
    },
    publish,
  });
  const { submit, promote } = createSubmit({ engine, options, deliver, work, expected });
  const now = createRunNow({ clock, log, options, launch, adopt: processing.adopt, promote, completed: estimates.record, answer });
  const arrivals = createArrivals();
  const runNow: typeof now.run = (request) => {
    const running = now.run(request);
    arrivals.settle(request.key);
    return running;
  };
  const route = createRoute({ handlers, middleware, options, log, recorded: estimates, runNow, submit });
  const control = createControl({ engine, deliver, cancelSync: now.cancel, cancelRun: processing.cancel });
  const describe = createDescriptions(handlers, options);
  const describeWithCalibration = () =>
    Promise.all(describe().map(async (told) => calibrated(told, await estimates.calibration(told.action))));
  const inspect = createInspect({
    engine,
    deliver,
    missing,
    maxSubscriptions: options.admission.subscriptionsPerConnection,
    describe: describeWithCalibration,
  });

  const receive = createReceive({
    engine,
    options,
    answer,
    makeId: () => crypto.randomUUID(),
    dispatch: async (message, connection, { requestId, bytes }) => {
      const key = requestKey(connection.owner, requestId);
      if ("request_id" in message) await arrivals.known(key);
      switch (message.type) {
        case "request":
          if (stopping)
            throw new StreamerError("SERVICE_UNAVAILABLE", `The server is stopping; send "${requestId}" again on a new connection.`, {
              afterMs: 1_000,
            });
          arrivals.announce(key);
          try {
            return await route(message, requestId, connection, bytes);
          } finally {
            arrivals.settle(key);
          }
        case "subscribe":
          return inspect.subscribe(message, connection);
        case "unsubscribe":
          return inspect.unsubscribe(message, connection);
        case "cancel":
          return control.cancel(message, connection);
        case "retry":
          return control.retry(message, connection);
        case "get":
          return inspect.get(message, connection);
        case "list":
          return inspect.list(message, connection);
        case "actions":
          return inspect.actions(message, connection);
        case "ping":
          return answer(connection.connectionId, {
            type: "pong",
            timestamp: Math.round(clock.now()),
            ...(message.ref !== undefined && { ref: message.ref }),
          });
      }
    },
  });

  const greet = (connectionId: string): Promise<void> =>
    answer(connectionId, {
      type: "welcome",
      timestamp: Math.round(clock.now()),
      connection_id: connectionId,
      epoch: engine.epoch,
      protocol: SUBPROTOCOL,
      server_version: VERSION,
      heartbeat_ms: options.heartbeatMs,
      limits: {
        message_bytes: options.frames.messageBytes,
        depth: options.frames.depth,
        messages_per_second: options.admission.messagesPerSecond,
      },
    });

  async function settled(): Promise<void> {
    while (processing.running + now.running > 0) await Promise.all([processing.idle(), now.idle()]);
    await Promise.all([deliver.idle(), estimates.idle()]);
  }

  return {
    handlers,
    describe,
    receive: receive.receive,
    async work(key) {
      const claimed = await work.claim(key);
      // Asked for by name and not to be had: a limit may hold it.
      if (key !== undefined && claimed.claimed === 0 && handlersAreLimited) await tellWaits([key]);
      return claimed;
    },
    tellWaits,
    disconnect: dropConnection,
    get running() {
      return processing.running + now.running;
    },
    async connect(connection) {
      await connections.open(connection);
      await greet(connection.connectionId);
    },
    greet,
    catchUp: deliver.catchUp,
    settled,
    handOver: deliver.handOver,
    async handBack(graceMs, { requireCheckpoint }) {
      await Promise.all([now.stopAll(graceMs), processing.handBack(graceMs, requireCheckpoint)]);
    },
    async recover() {
      const recoveries = await requests.recover({
        isAlive: () => false,
        quarantineAfter: options.quarantineAfter,
        quarantined: [{ type: "error", error: quarantineError(options.quarantineAfter) }],
        cancelled: [
          { type: "cancellation", stage: "stopped" },
          { type: "error", error: cancelledError },
        ],
      });
      for (const { key, outcome, frames } of recoveries) {
        log.warn({ key, outcome }, "a request was taken back from a process that died");
        await (outcome === "returned" ? publish : publishLast)(key, frames);
      }
    },
    purge: () => requests.purge(PURGE_BATCH, (key) => blobs.removeAll(blobPrefix(key))),
    async stop(graceMs) {
      stopping = true;
      work.close();
      const { promise: graceOver, resolve } = Promise.withResolvers<void>();
      const callOff = clock.after(graceMs, resolve);
      await Promise.race([settled(), graceOver]);
      callOff();
      await Promise.all([now.stopAll(STOP_GRACE_MS), processing.stopAll(STOP_GRACE_MS)]);
      await estimates.save();
    },
  };
}
