/**
 * startServer: the embedded engine, the flow and the sockets, joined. Start: open the store, recover what a dead process
 * left, listen. Stop (P13): refuse new work, let runs finish or hand them back, close sockets with 1012, close the store.
 */
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  VERSION,
  createStreamer,
  once,
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
import { createAddressReader } from "./client-address.ts";
import { createDoors, type ConnectionLimits } from "./doors.ts";
import { createGateway } from "./gateway.ts";
import { watchHeldLoop } from "./held-loop.ts";
import { refuseOldRuntime } from "./runtime.ts";
import { createHttpListener } from "./http.ts";
import { aroundRuns } from "./inline-runs.ts";
import { watchKeys } from "./key-watch.ts";
import { createReadiness } from "./readiness.ts";
import { resolveRoom } from "./room.ts";
import { createRoutes } from "./routes.ts";
import { logStrays } from "./strays.ts";
import { createUnfinished } from "./unfinished.ts";
import { createIsolation, type IsolationOptions } from "../isolation.ts";
import { createLog, type LogLevel } from "../log.ts";

export interface ServerOptions {
  readonly handlers: readonly AnyHandler[];
  /** Folder for everything the server stores. Only one server may use it at a time (P3). */
  readonly dataFolder: string;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Port to listen on. Default 0: any free port. */
  readonly port?: number;
  /** Whose tokens are accepted. Default: tokens signed with a development key that is generated at the first start. */
  readonly auth?: AuthOptions;
  readonly options?: PartialOptions;
  readonly middleware?: readonly Middleware[];
  /** Default: JSON lines on stderr. */
  readonly log?: Log;
  /** Lowest level that the default log writes. Default "info". */
  readonly logLevel?: LogLevel;
  /** Origins of browsers that may connect, compared exactly. Default: none. Clients that send no Origin header may always connect. */
  readonly allowedOrigins?: readonly string[];
  /** Public base URL of this server, used in links to files. Default `http://host:port`. */
  readonly publicUrl?: string;
  /** Worker processes for handlers that declare `isolate`: their number, or detailed options. Default: one per CPU core. */
  readonly workers?: number | Partial<IsolationOptions>;
  /** URL path that accepts WebSocket connections. Default "/". */
  readonly upgradePath?: string;
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

export interface Server {
  /** WebSocket URL for clients: `ws://…`. */
  readonly url: string;
  readonly httpUrl: string;
  readonly streamer: Streamer;
  readonly engine: EmbeddedEngine;
  /** Creates a token signed with the development key. Rejects when the server was started with `auth`. */
  developmentToken(terms: TokenTerms): Promise<string>;
  /** Stops gracefully (P13). Further calls return the same promise. */
  stop(): Promise<void>;
}

export async function startServer(chosen: ServerOptions): Promise<Server> {
  refuseOldRuntime();
  const { handlers, dataFolder, host = "127.0.0.1", port = 0, upgradePath = "/", workers, middleware } = chosen;
  const { transport } = chosen;
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
  const http = createServer(HTTP_TIMES);
  http.maxConnections = room.sockets;
  http.on("connection", doors.accept);
  http.on("drop", doors.dropped);
  const publicUrl = (): string => chosen.publicUrl?.replace(/\/$/, "") ?? urlOf(http);
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
    publicUrl,
    channel: channelOptions(chosen.channel),
    onRunnable: () => pump.nudge(),
  });
  const streamer: Streamer = createStreamer({
    handlers,
    engine,
    options,
    ...(middleware && { middleware }),
    onSlotFree: () => pump.nudge(),
  });
  const pump = createPump({ clock, log, work: () => streamer.work() });
  const auth = orElse(engine.close, () => createAuth(chosen.auth, dataFolder, { clock, log }));
  const keyWatch = watchKeys({ clock, log, auth });
  const gateway = createGateway({
    engine,
    streamer,
    auth,
    isReady: () => isReady,
    path: upgradePath,
    allowedOrigins: chosen.allowedOrigins ?? [],
    addresses,
    doors,
    unfinished,
    messagesPerSecond: options.admission.messagesPerSecond,
    messageBytes: options.frames.messageBytes,
    ...(transport && { transport }),
  });
  const describe = once(async (): Promise<JsonObject> => {
    const { asyncApiDocument } = await import("@streamer/protocol/asyncapi");
    return asyncApiDocument({ url: socketUrl(publicUrl(), upgradePath), serverVersion: VERSION, actions: streamer.describe() });
  });
  const readiness = createReadiness({
    isServing: () => isReady,
    storeRefusal: engine.storeRefusal,
    health: streamer.health,
    doors,
    keys: auth.keys,
    loops: () => [pump.loop, ...gateway.loops, engine.wakeups.loop, keyWatch, ...(sweep?.loops ?? [])],
  });
  http.on("request", createHttpListener(createRoutes({ engine, readiness, doors, auth, describe }), log));
  http.on("upgrade", gateway.upgrade);

  try {
    await listen(http, port, host);
  } catch (error) {
    keyWatch.stop();
    engine.close();
    throw error;
  }
  const stopLogging = logStrays(log);
  const stopWatching = watchHeldLoop({ log, boundMs: chosen.heldLoopMs ?? 1_000 });
  await streamer.recover();
  sweep = startSweep(engine, streamer, options.leaseMs);
  const next = await engine.requests.nextRunAt();
  if (next !== undefined) await engine.wakeups.at(next);
  isReady = true;
  pump.nudge();
  log.info({ url: urlOf(http), data_folder: dataFolder }, "server ready");

  const stop = async (): Promise<void> => {
    isReady = false;
    sweep?.stop();
    await streamer.stop(chosen.stopGraceMs ?? 20_000);
    pump.stop();
    keyWatch.stop();
    await gateway.close(1012, "server is stopping; connect again");
    http.closeAllConnections();
    await new Promise<void>((resolve) => void http.close(() => resolve()));
    await isolation.close();
    engine.close();
    await stopWatching();
    stopLogging();
    log.info({}, "server stopped");
  };
  let stopped: Promise<void> | undefined;

  return {
    url: socketUrl(urlOf(http), upgradePath),
    httpUrl: urlOf(http),
    streamer,
    engine,
    developmentToken: (terms) => auth.developmentToken(terms),
    stop: () => (stopped ??= stop()),
  };
}

function withLimits(options: PartialOptions = {}, transport: TransportLimits | undefined): PartialOptions {
  if (!transport) return options;
  const { messageBytes, runMs, idleMs } = transport;
  return { runLifeMs: runMs, heartbeatMs: Math.round(idleMs * HEARTBEAT_SHARE), ...options, frames: { messageBytes, ...options.frames } };
}

/** Those who are slow to say what they want are looked for each second: else a limit of 10 s may be one of 40. */
const HTTP_TIMES = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5_000, connectionsCheckingInterval: 1_000 };

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

function listen(http: HttpServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, host, () => {
      http.off("error", reject);
      resolve();
    });
  });
}

const socketUrl = (httpUrl: string, path: string): string => httpUrl.replace("http", "ws") + (path === "/" ? "" : path);

function urlOf(http: HttpServer): string {
  const { address, family, port } = http.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
