/**
 * WebSockets: who may connect, what each frame becomes, and which peers are still there. Refusals of the token are
 * answered on the socket, as an `error` frame and close code 1008, because a browser cannot read the answer to a failed
 * upgrade. A foreign origin gets HTTP 403: it is not our client. What a socket may cost is counted before it is paid:
 * places (doors.ts), bytes of a message that is not complete (unfinished.ts), frames that are no messages.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type RawData, type ServerOptions, type WebSocket } from "ws";
import {
  ERROR_CODES,
  printMessage,
  SUBPROTOCOL,
  wireError,
  type ErrorCodeEntry,
  type TransportLimits,
  type WireError,
} from "@streamer/protocol";
import { asError, createLoop, orElse, ownerName, type Loop, type Streamer } from "@streamer/core";
import { readToken, type Authentication } from "@streamer/auth";
import type { Auth } from "./auth.ts";
import type { AddressReader } from "./client-address.ts";
import { DEVELOPMENT_ALONE, arrivalOf, type Arrival } from "./own-address.ts";
import type { Doors } from "./doors.ts";
import type { Wire } from "../channel.ts";
import type { EmbeddedEngine } from "../engine.ts";
import { createLives, withinLimits } from "./transport-limits.ts";
import { connect } from "./entry/connect.ts";
import { disconnect } from "./entry/disconnect.ts";
import { message } from "./entry/message.ts";
import { createFrameRates } from "./frame-rates.ts";
import { createOrigins } from "./origins.ts";
import { createReviews } from "./reviews.ts";
import { createTurnedAway, type Upgrade } from "./turned-away.ts";
import type { Unfinished } from "./unfinished.ts";

export interface GatewayParts {
  readonly engine: EmbeddedEngine;
  readonly streamer: Streamer;
  readonly auth: Auth;
  readonly isReady: () => boolean;
  readonly path: string;
  readonly allowedOrigins: readonly string[];
  readonly addresses: Pick<AddressReader, "of">;
  /** True of those whom the development key is not for. */
  readonly isTooFar: (request: IncomingMessage) => boolean;
  /** Filled here: by connection, how its client came. */
  readonly cameBy: Map<string, Arrival>;
  readonly doors: Doors;
  readonly unfinished: Unfinished;
  /** Messages a second on one connection; twice as many frames that are none: pings, pieces of messages. */
  readonly messagesPerSecond: number;
  /** The largest frame the flow accepts. */
  readonly messageBytes: number;
  /** Limits of another transport to keep within. */
  readonly transport?: TransportLimits;
}

export interface Gateway {
  readonly loops: readonly Loop[];
  /** One that came to the path of WebSockets. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** One that came to another. */
  refuse(request: IncomingMessage, socket: Duplex): void;
  /** Closes every socket, and waits a moment for the peers to agree. */
  close(code: number, reason: string): Promise<void>;
}

type Accepted = Extract<Authentication, { readonly ok: true }>;

/** A peer that answers no ping for this long is gone. One timer for all sockets. */
const PING_EVERY_MS = 30_000;
/** It only hands frames to the sockets. */
const PING_BOUND_MS = 10_000;
/** How long a peer may take to answer a close frame; until then a slow one's buffer is kept. */
const CLOSE_TIMEOUT_MS = 5_000;

/** How long one that is cut off may take to read why. */
const CUT_OFF_MS = 1_000;
/** Pongs wait for a client no further than this. */
const PONG_BUFFER_BYTES = 65_536;
const HANDSHAKE: Pick<ServerOptions, "handleProtocols"> = {
  handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
};
const STARTING_OR_STOPPING = wireError("SERVICE_UNAVAILABLE", "The server is starting or stopping. Connect again in a moment.", {
  afterMs: 1_000,
});

export function createGateway(parts: GatewayParts): Gateway {
  const { engine, streamer, auth, isReady, path, allowedOrigins, addresses, doors, messageBytes, messagesPerSecond, transport } = parts;
  const { clock, log, channel } = engine;
  const options: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    // A frame somewhat too large gets a typed answer; one beyond this ends the connection with 1009.
    maxPayload: transport ? messageBytes : 4 * messageBytes,
    closeTimeout: CLOSE_TIMEOUT_MS,
    autoPong: false,
    ...HANDSHAKE,
  };
  const server = new WebSocketServer(options);
  const turnedAway = createTurnedAway({ clock, handshake: HANDSHAKE });
  const frameRates = createFrameRates({ clock, perSecond: 2 * messagesPerSecond });
  const heard = new Map<WebSocket, boolean>();
  const lives = transport && createLives(engine, transport);

  const pingAll = (): void => {
    for (const [socket, isAlive] of heard) {
      if (!isAlive) socket.terminate();
      else {
        heard.set(socket, false);
        socket.ping();
      }
    }
  };
  const ping = createLoop({ clock, log, name: "ping", round: pingAll, everyMs: PING_EVERY_MS, boundMs: PING_BOUND_MS });

  const errorFrame = (error: WireError): string => printMessage({ type: "error", timestamp: clock.now(), error });

  const turnAway = (upgrade: Upgrade, error: WireError): void =>
    turnedAway.socket(upgrade, (socket) => {
      socket.send(errorFrame(error));
      socket.close(closeCodeOf(error), error.code);
    });

  const tellAndClose = async (connectionId: string, error: WireError): Promise<void> => {
    await channel.send(connectionId, { text: errorFrame(error) });
    await channel.close(connectionId, closeCodeOf(error), error.code);
  };

  /** Ends a connection that costs too much: it is told why, and not read any more, whether it agrees or not. */
  const cutOff = (socket: WebSocket, connectionId: string, error: WireError): void => {
    if (socket.isPaused || socket.readyState !== socket.OPEN) return;
    socket.pause();
    clock.after(CUT_OFF_MS, () => socket.terminate());
    tellAndClose(connectionId, error).catch((problem: unknown) => log.error({ err: asError(problem) }, "a socket could not be closed"));
  };

  /** Counts what the socket costs beside its messages, from its first byte. */
  const watch = (socket: WebSocket, raw: Duplex, user: string, connectionId: string): void => {
    const count = frameRates.of(user, raw);
    const end = (error: WireError): void => cutOff(socket, connectionId, error);
    const onFrames = (frames: number): void => {
      const afterMs = count(frames);
      if (afterMs > 0) end(wireError("RATE_LIMITED", "Too many pings and pieces of messages a second. Send fewer.", { afterMs }));
    };
    parts.unfinished.watch({ raw, user, end, onFrames });
  };

  const reviews = createReviews({
    clock,
    log,
    review: auth.review,
    end: async (connectionId, error) => {
      await tellAndClose(connectionId, error);
      await streamer.disconnect(connectionId);
    },
  });

  const unanswered = (error: unknown): void => log.error({ err: asError(error) }, "a frame could not be answered");

  const welcome = async (socket: WebSocket, { request, raw }: Upgrade, { identity, credential }: Accepted): Promise<void> => {
    const connectionId = randomUUID();
    parts.cameBy.set(connectionId, arrivalOf(request));
    socket.on("close", () => void parts.cameBy.delete(connectionId));
    socket.on("close", reviews.watch(connectionId, credential));
    watch(socket, raw, ownerName(identity.owner), connectionId);
    const own = toWire(socket, raw);
    const wire = lives && transport ? withinLimits(lives.watch(socket, own), transport.pushBytes) : own;
    await connect(parts, wire, { connectionId, ...identity, connectedAt: clock.now() }, !transport);
    let isGreeted = !transport;
    raw.on("drain", () => channel.drained(connectionId));
    socket.on("message", (data: RawData, isBinary: boolean) => {
      // Of a socket that is closing nothing counts any more, whatever it has sent behind what closed it.
      if (socket.readyState !== socket.OPEN) return;
      heard.set(socket, true);
      lives?.used(socket);
      // As a server that cannot speak first does it.
      if (!isGreeted) void streamer.greet(connectionId);
      isGreeted = true;
      void orElse(() => message(parts, connectionId, data as Buffer, isBinary), unanswered);
    });
    socket.on("ping", (data: Buffer) => {
      heard.set(socket, true);
      // Whoever reads no answers gets none: they would wait here for ever.
      if (socket.bufferedAmount < PONG_BUFFER_BYTES) socket.pong(data);
    });
    socket.on("pong", () => heard.set(socket, true));
    socket.on("close", () => {
      disconnect(parts, connectionId).catch((error: unknown) => log.error({ err: asError(error) }, "a connection could not be forgotten"));
    });
  };

  const origins = createOrigins({ allowed: allowedOrigins, log });
  const refusalOf = (request: IncomingMessage): { readonly status: string; readonly error: WireError } | undefined => {
    const why = origins.refusalOf(request);
    return why === undefined ? undefined : { status: "403 Forbidden", error: wireError("FORBIDDEN", why) };
  };

  /** Settled once everything that could refuse it has been asked, the cheapest first. */
  const admit = async (upgrade: Upgrade): Promise<void> => {
    const { request, raw } = upgrade;
    const refusal = refusalOf(request);
    if (refusal) return turnedAway.http(raw, refusal.status, refusal.error);
    if (!isReady()) return turnAway(upgrade, STARTING_OR_STOPPING);
    if (parts.isTooFar(request)) return turnAway(upgrade, DEVELOPMENT_ALONE);
    const entered = doors.enter(addresses.of(request));
    if ("error" in entered) return turnAway(upgrade, entered.error);
    const { place } = entered;
    raw.once("close", place.leave);
    const authentication = await auth.authenticate(readToken(request));
    const turnedAwayFor = !authentication.ok
      ? authentication.error
      : !isReady()
        ? STARTING_OR_STOPPING
        : place.settle(authentication.identity.owner);
    if (turnedAwayFor || !authentication.ok) {
      // It goes on for a moment, and takes nobody's place meanwhile.
      place.leave();
      return turnAway(upgrade, turnedAwayFor!);
    }
    open(upgrade, authentication);
  };

  const open = (upgrade: Upgrade, accepted: Accepted): void =>
    server.handleUpgrade(upgrade.request, upgrade.raw, upgrade.head, (socket) => {
      // Protocol violations and resets end the socket by themselves; "close" follows.
      socket.on("error", (error) => log.debug({ err: error }, "a socket failed"));
      heard.set(socket, true);
      socket.on("close", () => heard.delete(socket));
      welcome(socket, upgrade, accepted).catch((error: unknown) => {
        log.error({ err: asError(error) }, "a connection could not be opened");
        socket.close(ERROR_CODES.INTERNAL_ERROR.closeCode);
      });
    });

  return {
    loops: [ping, parts.unfinished.loop, reviews.loop, ...(lives ? [lives.loop] : [])],
    upgrade: (request, raw, head) => {
      raw.on("error", () => raw.destroy());
      admit({ request, raw, head }).catch((error: unknown) => {
        log.error({ err: asError(error) }, "an upgrade failed");
        raw.destroy();
      });
    },
    refuse: (_, raw) => {
      raw.on("error", () => raw.destroy());
      turnedAway.http(raw, "404 Not Found", wireError("NOT_FOUND", `WebSockets connect at ${path}.`));
    },
    close: async (code, reason) => {
      ping.stop();
      parts.unfinished.loop.stop();
      reviews.loop.stop();
      lives?.loop.stop();
      const sockets = Array.from(heard.keys());
      const closed = sockets.map((socket) => new Promise<void>((resolve) => void socket.once("close", () => resolve())));
      // `ws` ends by force what does not answer within CLOSE_TIMEOUT_MS.
      for (const socket of sockets) socket.close(code, reason);
      await Promise.all(closed);
      server.close();
    },
  };
}

const closeCodeOf = ({ code }: WireError): number => {
  const entry: ErrorCodeEntry = ERROR_CODES[code];
  return entry.closeCode ?? 1008;
};

function toWire(socket: WebSocket, raw: Duplex): Wire {
  return {
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (text) => socket.send(text),
    cork: () => raw.cork(),
    uncork: () => raw.uncork(),
    close: (code, reason) => socket.close(code, reason),
  };
}
