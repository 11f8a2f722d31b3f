/**
 * A service: the embedded engine, the flow and the sockets, joined, wherever their HTTP comes from. Begin: recover what a
 * dead process left. Stop (P13): refuse new work, let runs finish or hand them back, close sockets with 1012, close the store.
 */
import type { IncomingMessage, RequestListener } from "node:http";
import {
  VERSION,
  createStreamer,
  resolveOptions,
  type AnyHandler,
  type Log,
  type Middleware,
  type PartialOptions,
  type Streamer,
} from "@streamer/core";
import type { AuthOptions, TokenTerms } from "@streamer/auth";
import type { JsonObject, TransportLimits } from "@streamer/protocol";
import { createAuth } from "./auth.ts";
import { DEFAULT_CHANNEL_OPTIONS, type ChannelOptions } from "../channel.ts";
import { systemClock } from "../clock.ts";
import { openDatabase } from "../sqlite/database.ts";
import { createEmbeddedEngine, type EmbeddedEngine } from "../engine.ts";
import { startSweep, type Sweep } from "./entry/sweep.ts";
import { createPump } from "./entry/work.ts";
import { socketUrl } from "./base-path.ts";
import { createAddressReader } from "./client-address.ts";
import { createDoors, type ConnectionLimits, type Doors } from "./doors.ts";
import { createGateway } from "./gateway.ts";
import { watchHeldLoop } from "./held-loop.ts";
import { refuseOldRuntime } from "./runtime.ts";
import { createHttpListener } from "./http.ts";
import { aroundRuns } from "./inline-runs.ts";
import { watchKeys } from "./key-watch.ts";
import type { Mount } from "./mounts.ts";
import {
  arrivalOf,
  checkedPublicUrl,
  createOwnAddress,
  comesFromElsewhere,
  refusePublicDevelopmentKey,
  saidBy,
  type Arrival,
} from "./own-address.ts";
import { createReadiness } from "./readiness.ts";
import { resolveRoom } from "./room.ts";
import { createRoutes, routeOf } from "./routes.ts";
import { logStrays } from "./strays.ts";
import { createUnfinished } from "./unfinished.ts";
import { createIsolation, refuseInWorker, type IsolationOptions } from "../isolation.ts";
import { createLog, type LogLevel } from "../log.ts";

export interface ServiceOptions {
  readonly handlers: readonly AnyHandler[];
  /** Folder for everything the server stores. Only one server may use it at a time (P3). */
  readonly dataFolder: string;
  /** Whose tokens are accepted. Default: tokens signed with a development key that is generated at the first start. */
  readonly auth?: AuthOptions;
  readonly options?: PartialOptions;
  readonly middleware?: readonly Middleware[];
  /** Default: JSON lines on stderr. */
  readonly log?: Log;
  /** Lowest level that the default log writes. Default "info". */
  readonly logLevel?: LogLevel;
  /** Origins of pages that may connect, compared exactly. Pages of the address that they connect to always may. Default: no others. Clients that send no Origin header may always connect. */
  readonly allowedOrigins?: readonly string[];
  /**
   * Let the development key be trusted where others than this machine's programs can connect. Default false: whoever can
   * read the data folder could act as anybody, so a server of others has keys of its own (`auth`).
   */
  readonly publicDevelopmentKey?: boolean;
  /** Public URL of the HTTP server, for links to files and the description. Default: the address that each client came by. */
  readonly publicUrl?: string;
  /** Worker processes for handlers that declare `isolate`: their number, or detailed options. Default: one per CPU core. */
  readonly workers?: number | Partial<IsolationOptions>;
  /** Connections open at the same time. Default 20,000; never more than the process's file descriptors leave room for. */
  readonly maxConnections?: number;
  /** What one address, tenant or user may have of them, and what messages that are not complete may hold. */
  readonly connectionLimits?: Partial<ConnectionLimits>;
  /** Addresses, or networks as `10.0.0.0/8`, of proxies whose `X-Forwarded-For` says where a client comes from. Default none. */
  readonly trustedProxies?: readonly string[];
  readonly channel?: Partial<ChannelOptions>;
  /**
   * Keep within what a transport elsewhere allows: with `API_GATEWAY_LIMITS` frames, connections and runs live as they
   * would on AWS. Default none.
   */
  readonly transport?: TransportLimits;
  /** How long a stop waits for running handlers before their requests go back to the queue. Default 20,000 ms. */
  readonly stopGraceMs?: number;
  /** Log a warning, with the name of the handler, when the event loop was blocked for longer than this. Default 1,000 ms; Infinity turns it off. */
  readonly heldLoopMs?: number;
}

/** What an HTTP server hands over, and what ends it. */
export interface Service {
  readonly streamer: Streamer;
  readonly engine: EmbeddedEngine;
  /** Sockets that the HTTP server should have open at most, where it is this service's own. */
  readonly sockets: number;
  readonly doors: Pick<Doors, "accept" | "dropped">;
  /** What is served at the place, and a 404 for everything else. */
  readonly listener: RequestListener;
  readonly mount: Mount;
  /** Refuses a WebSocket that came to another path. */
  refuseUpgrade: Mount["upgrade"];
  developmentToken(terms: TokenTerms): Promise<string>;
  /** Recovers, and is ready: the log says so, and where. */
  begin(where: { readonly url?: string; readonly path?: string }): Promise<void>;
  /** Stops gracefully (P13). `endHttp` ends what is left of HTTP once no socket is open. Further calls return the same promise. */
  stop(endHttp: () => Promise<void>): Promise<void>;
  /** Closes what has not begun. */
  abandon(): Promise<void>;
}

export interface Place {
  /** Where clients connect: "" or a path without a slash at its end. Routes are below `base`. */
  readonly upgradePath: string;
  /** What it will listen on, where that is known. */
  readonly host?: string;
  readonly base: string;
  /** Asked at each use: it is known once the HTTP server listens. */
  readonly httpUrl: () => string;
}

export async function createService(chosen: ServiceOptions, place: Place): Promise<Service> {
  refuseInWorker();
  refuseOldRuntime();
  const publicUrl = chosen.publicUrl === undefined ? undefined : checkedPublicUrl(chosen.publicUrl);
  if (!chosen.auth && !chosen.publicDevelopmentKey) refusePublicDevelopmentKey(place.host, publicUrl);
  const { handlers, dataFolder, workers, middleware, transport, allowedOrigins = [] } = chosen;
  const options = resolveOptions(withLimits(chosen.options, transport));
  const clock = systemClock;
  const log = chosen.log ?? createLog(chosen.logLevel ?? "info");
  const isolation = createIsolation(
    { clock, log, valueLength: options.valueLength },
    typeof workers === "number" ? { slots: workers } : workers,
  );
  for (const { what, state, message } of isolation.confined) log[state === "ok" ? "info" : "warn"]({ worker: what }, message);
  const addresses = createAddressReader(chosen.trustedProxies ?? []);
  const room = resolveRoom({ maxConnections: chosen.maxConnections, limits: chosen.connectionLimits, log });
  const doors = createDoors({ clock, log, addresses, ...room });
  const unfinished = createUnfinished({ clock, log, limits: room.limits });
  const addressFor = createOwnAddress({ publicUrl, listening: place.httpUrl, clock, log });
  const originFor = (arrival: Arrival | undefined): string => (arrival ? addressFor(arrival) : (publicUrl ?? place.httpUrl()));
  let isReady = false;
  let sweep: Sweep | undefined;

  const database = openDatabase(dataFolder);
  const engine = await createEmbeddedEngine({
    database,
    dataFolder,
    clock,
    log,
    isolation,
    around: aroundRuns(log),
    publicUrl: (connectionId = "") => originFor(gateway.arrivalOf(connectionId)) + place.base,
    channel: channelOptions(chosen.channel),
    onRunnable: () => pump.nudge(),
  }).catch((error: unknown) => {
    database.close();
    throw error;
  });
  const streamer: Streamer = orElse(engine.close, () =>
    createStreamer({ handlers, engine, options, ...(middleware && { middleware }), onSlotFree: () => pump.nudge() }),
  );
  const pump = createPump({ clock, log, work: () => streamer.work() });
  const auth = orElse(engine.close, () => createAuth(chosen.auth, dataFolder, { clock, log }));
  /** On somebody else's server, or behind a tunnel, it is only seen now who can connect. */
  const isTooFar = (request: IncomingMessage): boolean => !chosen.auth && !chosen.publicDevelopmentKey && comesFromElsewhere(request);
  const keyWatch = watchKeys({ clock, log, auth });
  const gateway = createGateway({
    engine,
    streamer,
    auth,
    isReady: () => isReady,
    path: place.upgradePath || "/",
    allowedOrigins,
    addresses,
    isTooFar,
    doors,
    unfinished,
    messagesPerSecond: options.admission.messagesPerSecond,
    messageBytes: options.frames.messageBytes,
    ...(transport && { transport }),
  });
  const describe = async (request: IncomingMessage): Promise<JsonObject> => {
    const { asyncApiDocument } = await import("@streamer/protocol/asyncapi");
    const url = socketUrl(addressFor(arrivalOf(saidBy(request), request.socket)), place.upgradePath);
    return asyncApiDocument({ url, serverVersion: VERSION, actions: streamer.describe() });
  };
  const readiness = createReadiness({
    isServing: () => isReady,
    storeRefusal: engine.storeRefusal,
    health: streamer.health,
    doors,
    keys: auth.keys,
    loops: () => [pump.loop, ...gateway.loops, engine.wakeups.loop, keyWatch, ...(sweep?.loops ?? [])],
  });
  const routes = createRoutes({ engine, readiness, doors, auth, isTooFar, describe });
  const listener = createHttpListener({ routes, log, base: place.base, allowedOrigins });
  const endings: (() => unknown)[] = [];

  async function close(): Promise<void> {
    pump.stop();
    keyWatch.stop();
    await gateway.close(1012, "server is stopping; connect again");
  }
  const end = async (): Promise<void> => {
    await isolation.close();
    engine.close();
  };
  const stop = async (endHttp: () => Promise<void>): Promise<void> => {
    isReady = false;
    sweep?.stop();
    await streamer.stop(chosen.stopGraceMs ?? 20_000);
    await close();
    await endHttp();
    await end();
    for (const ending of endings) await ending();
    log.info({}, "server stopped");
  };
  let stopped: Promise<void> | undefined;

  return {
    streamer,
    engine,
    sockets: room.sockets,
    doors,
    listener,
    mount: {
      path: place.upgradePath || "/",
      takesRequest: (pathname) => pathname.startsWith(place.base) && routeOf(routes, pathname.slice(place.base.length)) !== undefined,
      takesUpgrade: (pathname) => pathname === (place.upgradePath || "/"),
      request: listener,
      upgrade: gateway.upgrade,
    },
    refuseUpgrade: gateway.refuse,
    developmentToken: auth.developmentToken,
    begin: async (where) => {
      endings.push(watchHeldLoop({ log, boundMs: chosen.heldLoopMs ?? 1_000 }), logStrays(log));
      await streamer.recover();
      sweep = startSweep(engine, streamer, options.leaseMs);
      const next = await engine.requests.nextRunAt();
      if (next !== undefined) await engine.wakeups.at(next);
      isReady = true;
      pump.nudge();
      log.info({ ...where, data_folder: dataFolder }, "server ready");
    },
    stop: (endHttp) => (stopped ??= stop(endHttp)),
    abandon: async () => {
      await close();
      await end();
    },
  };
}
function withLimits(options: PartialOptions = {}, transport: TransportLimits | undefined): PartialOptions {
  if (!transport) return options;
  const { messageBytes, runMs, idleMs } = transport;
  return { runLifeMs: runMs, heartbeatMs: Math.round(idleMs * HEARTBEAT_SHARE), ...options, frames: { messageBytes, ...options.frames } };
}

/** Two pings in a row may be lost before a connection has been silent for too long. */
const HEARTBEAT_SHARE = 0.4;
/** A socket says that it has drained only if it held more than its own mark, 64 KiB. */
const MIN_SOFT_BUFFER_BYTES = 131_072;

function channelOptions(chosen: Partial<ChannelOptions> = {}): ChannelOptions {
  const { softBufferBytes, hardBufferBytes } = { ...DEFAULT_CHANNEL_OPTIONS, ...chosen };
  return { softBufferBytes: Math.max(softBufferBytes, MIN_SOFT_BUFFER_BYTES), hardBufferBytes: Math.max(hardBufferBytes, softBufferBytes) };
}

/** Whoever asked for what cannot be has nothing left open. */
function orElse<T>(undo: () => void, make: () => T): T {
  try {
    return make();
  } catch (error) {
    undo();
    throw error;
  }
}
