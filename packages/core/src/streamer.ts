/**
 * createStreamer joins the stages into one flow over an engine: the only file that knows every stage.
 */
import { SUBPROTOCOL, type ActionDescription } from "@streamer/protocol";
import { andThen } from "./awaitable.ts";
import { createAccess } from "./flow/access.ts";
import { createDeliver } from "./flow/deliver/deliver.ts";
import { createFollowing } from "./flow/deliver/following.ts";
import { createFaults } from "./flow/faults.ts";
import { createEstimates } from "./flow/learn.ts";
import { createLifecycle } from "./flow/lifecycle.ts";
import { createControl } from "./flow/receive/control.ts";
import { createDispatch } from "./flow/receive/dispatch.ts";
import { createInspect } from "./flow/receive/inspect.ts";
import { createQuestions } from "./flow/receive/questions.ts";
import { createRates } from "./flow/receive/rates.ts";
import { createReceive } from "./flow/receive/receive.ts";
import { createRoute } from "./flow/route.ts";
import { createRuns } from "./flow/runs/runs.ts";
import { createSubmit } from "./flow/submit.ts";
import { createTellWaits } from "./flow/wait.ts";
import type { AnyHandler } from "./handler.ts";
import { checkMiddleware, type Middleware } from "./middleware.ts";
import { resolveOptions, type PartialOptions } from "./options.ts";
import type { Awaitable } from "./ports/awaitable.ts";
import type { Connection } from "./ports/connections.ts";
import type { Engine } from "./ports/engine.ts";
import type { RequestKey } from "./ports/requests.ts";
import { calibrated, createDescriptions } from "./rules/descriptions.ts";
import { register } from "./rules/registration.ts";

export const VERSION = "0.1.0";
export interface StreamerParts {
  readonly handlers: readonly AnyHandler[];
  readonly engine: Engine;
  readonly options?: PartialOptions;
  readonly middleware?: readonly Middleware[];
  /** Called when a slot is free that requests may be waiting for: the moment to call `work` again. */
  readonly onSlotFree?: () => void;
  /** For tests that repeat a run: replacements for chance, numbers in [0, 1), and for the ids of requests that come without. */
  readonly random?: () => number;
  readonly makeId?: () => string;
}

export interface Health {
  readonly runs: number;
  /** Handlers that are still running although their runs have ended: they ignore their signal. */
  readonly abandonedRuns: number;
  /** True once there are as many abandoned runs as inline slots: each further one keeps a slot until its handler ends. */
  readonly isLosingSlots: boolean;
}

/** What an engine's entry points call. No method rejects because of what a client or a handler did. */
export interface Streamer {
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  /** Descriptions of the handlers, as clients see them. */
  describe(): readonly ActionDescription[];
  /** Registers a connection that has opened, and whose token is verified, and sends it `welcome`. */
  connect(connection: Connection): Awaitable<void>;
  /**
   * Handles one frame from a connection: it has been answered when this returns, or resolves. `bytes`: of UTF-8, for those who
   * have counted them.
   */
  receive(connectionId: string, data: string | Uint8Array, bytes?: number): Awaitable<void>;
  /** Refuses a binary frame, which is no message of this protocol (P12). */
  refuseBinary(connectionId: string): Awaitable<void>;
  disconnect(connectionId: string): Promise<void>;
  /** Claims as many requests as there are free slots (or only the one under `key`) and starts running them. */
  work(key?: RequestKey): Promise<{ readonly claimed: number; /** Resolves when those runs have ended. */ readonly ended: Promise<void> }>;
  /** Tells followers of waiting requests why these wait, where that has changed: of the requests given, or of all. */
  tellWaits(keys?: readonly RequestKey[]): Promise<void>;
  /** Takes back requests whose process died. Call it at start and every few seconds. */
  recover(): Promise<void>;
  /** Removes requests whose retention has ended, with their files. Call it every few minutes. Returns how many were removed. */
  purge(): Promise<number>;
  /** How many runs are in progress, durable or to be answered at once. */
  readonly running: number;
  /** What an operator should know about the runs of this process. */
  health(): Health;
  /** Sends `welcome` to a connection that is registered already, for servers that cannot speak first. */
  greet(connectionId: string): Promise<void>;
  /** Sends the followers of a request the events that other processes have not sent. */
  catchUp(key: RequestKey): Promise<void>;
  /** Resolves when nothing is running and nothing is being sent. */
  settled(): Promise<void>;
  /**
   * For a process that must end or freeze soon: stops its runs within `graceMs`, so that they continue in another process.
   * With `requireCheckpoint`, a run that has saved no checkpoint times out instead: started again, it would never end.
   */
  handBack(graceMs: number, terms: { readonly requireCheckpoint: boolean }): Promise<void>;
  /** Leaves the followers of all requests to other processes: the last call before this process freezes. */
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
  random = Math.random,
  makeId = () => crypto.randomUUID(),
}: StreamerParts): Streamer {
  const options = resolveOptions(chosen);
  const handlers = register(list);
  const middleware = checkMiddleware(added);
  const { connections, clock, log } = engine;
  const faults = createFaults({ log, clock, random });
  const access = createAccess({ handlers, middleware, options });
  const handlersAreLimited = Array.from(handlers.values()).some(({ concurrency }) => concurrency);

  async function dropConnection(connectionId: string): Promise<void> {
    receive.forget(connectionId);
    questions.forget(connectionId);
    await Promise.all([deliver.unfollowAll(connectionId), connections.close(connectionId)]);
  }

  const rates = createRates(options.admission, options.frames.messageBytes);
  const questions = createQuestions(rates, clock);
  const deliver = createDeliver({ engine, linkMs: options.linkMs, dropConnection, onAnswer: questions.answered });
  const following = createFollowing(engine.subscriptions, options.admission.subscriptionsPerConnection);
  const estimates = createEstimates({ engine, handlers, random });
  const runs = createRuns({
    engine,
    handlers,
    middleware,
    options,
    faults,
    deliver,
    estimates,
    promote: (request, progress) => submit.promote(request, progress),
    onSlotFree,
    random,
  });
  const submit = createSubmit({ engine, faults, options, deliver, following, runs, estimates });
  const route = createRoute({ access, options, log, estimates, runs, submit });
  const tellWaits = createTellWaits({ engine, handlers, slots: runs.slots, estimates, publish: deliver.publish });
  const describe = createDescriptions(handlers, options);
  const lifecycle = createLifecycle({ engine, options, deliver, runs, estimates });
  const receive = createReceive({
    engine,
    faults,
    options,
    rates,
    answer: deliver.answer,
    makeId,
    drop: dropConnection,
    dispatch: createDispatch({
      clock,
      answer: deliver.answer,
      route,
      control: createControl({ engine, access, deliver, following, runs, limits: options.admission }),
      questions,
      inspect: createInspect({
        engine,
        access,
        deliver,
        following,
        describe: () => Promise.all(describe().map(async (told) => calibrated(told, await estimates.calibration(told.action)))),
      }),
      isStopping: () => lifecycle.isStopping,
    }),
  });

  const greet = (connectionId: string): Promise<void> =>
    deliver.answer(connectionId, {
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

  return {
    handlers,
    describe,
    receive: receive.receive,
    refuseBinary: receive.refuseBinary,
    async work(key) {
      const work = await runs.claim(key);
      // Asked for by name and not to be had: a limit may hold it.
      if (key !== undefined && work.claimed === 0 && handlersAreLimited) await tellWaits([key]);
      return work;
    },
    tellWaits,
    disconnect: dropConnection,
    get running() {
      return runs.running;
    },
    health: () => ({
      runs: runs.running,
      abandonedRuns: runs.abandoned,
      isLosingSlots: runs.abandoned >= options.inlineSlots && options.inlineSlots > 0,
    }),
    connect: (connection) => andThen(connections.open(connection), () => greet(connection.connectionId)),
    greet,
    catchUp: deliver.catchUp,
    handOver: deliver.handOver,
    handBack: (graceMs, { requireCheckpoint }) => runs.handBack(graceMs, requireCheckpoint),
    settled: lifecycle.settled,
    recover: lifecycle.recover,
    purge: lifecycle.purge,
    stop: lifecycle.stop,
  };
}
