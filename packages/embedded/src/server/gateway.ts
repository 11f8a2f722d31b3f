/**
 * WebSockets: who may connect, what each frame becomes, and which peers are still there. Refusals of the token are
 * answered on the socket, as an `error` frame and close code 1008, because a browser cannot read the answer to a failed
 * upgrade. A foreign origin gets HTTP 403: it is not our client.
 */
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
import { asError, createLoop, type Loop, type Streamer } from "@streamer/core";
import { readToken, type Identity } from "@streamer/auth";
import type { Auth } from "./auth.ts";
import type { Wire } from "../channel.ts";
import type { EmbeddedEngine } from "../engine.ts";
import { createLives, withinLimits } from "./transport-limits.ts";
import { connect } from "./entry/connect.ts";
import { disconnect } from "./entry/disconnect.ts";
import { message, type Sender } from "./entry/message.ts";

export interface GatewayParts {
  readonly engine: EmbeddedEngine;
  readonly streamer: Streamer;
  readonly auth: Auth;
  readonly isReady: () => boolean;
  readonly path: string;
  readonly allowedOrigins: readonly string[];
  readonly maxConnections: number;
  /** The largest frame the flow accepts. */
  readonly messageBytes: number;
  /** Limits of another transport to keep within. */
  readonly transport?: TransportLimits;
}

export interface Gateway {
  readonly loops: readonly Loop[];
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket, and waits a moment for the peers to agree. */
  close(code: number, reason: string): Promise<void>;
}

/** A peer that answers no ping for this long is gone. One timer for all sockets. */
const PING_EVERY_MS = 30_000;
/** It only hands frames to the sockets. */
const PING_BOUND_MS = 10_000;
/** How long a peer may take to answer a close frame; until then a slow one's buffer is kept. */
const CLOSE_TIMEOUT_MS = 5_000;

export function createGateway(parts: GatewayParts): Gateway {
  const { engine, streamer, auth, isReady, path, allowedOrigins, maxConnections, messageBytes, transport } = parts;
  const { clock, log, channel } = engine;
  const options: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    // A frame somewhat too large gets a typed answer; one beyond this ends the connection with 1009.
    maxPayload: transport ? messageBytes : 4 * messageBytes,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  };
  const server = new WebSocketServer(options);
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

  const turnAway = (socket: WebSocket, error: WireError): void => {
    socket.send(printMessage({ type: "error", timestamp: clock.now(), error }));
    socket.close(closeCodeOf(error), error.code);
  };

  const welcome = async (socket: WebSocket, raw: Duplex, identity: Identity): Promise<void> => {
    const own = toWire(socket, raw);
    const wire = lives && transport ? withinLimits(lives.watch(socket, own), transport.pushBytes) : own;
    const sender: Sender = { connectionId: await connect(parts, wire, identity, !transport), binaryFrames: 0 };
    let isGreeted = !transport;
    raw.on("drain", () => channel.drained(sender.connectionId));
    socket.on("message", (data: RawData, isBinary: boolean) => {
      heard.set(socket, true);
      lives?.used(socket);
      // As a server that cannot speak first does it.
      if (!isGreeted) void streamer.greet(sender.connectionId);
      isGreeted = true;
      const frame = isBinary ? "binary" : { text: (data as Buffer).toString("utf8") };
      message(parts, sender, frame).catch((error: unknown) => log.error({ err: asError(error) }, "a frame could not be answered"));
    });
    socket.on("pong", () => heard.set(socket, true));
    socket.on("close", () => {
      disconnect(parts, sender.connectionId).catch((error: unknown) =>
        log.error({ err: asError(error) }, "a connection could not be forgotten"),
      );
    });
  };

  const refusalOf = (request: IncomingMessage): { readonly status: string; readonly error: WireError } | undefined => {
    const { origin } = request.headers;
    if (request.url?.split("?")[0] !== path) {
      return { status: "404 Not Found", error: wireError("NOT_FOUND", `WebSockets connect at ${path}.`) };
    }
    if (origin !== undefined && !allowedOrigins.includes(origin)) {
      return { status: "403 Forbidden", error: wireError("FORBIDDEN", `Origin ${origin} is not among the server's allowed origins.`) };
    }
    return undefined;
  };

  const admit = async (request: IncomingMessage, raw: Duplex, head: Buffer): Promise<void> => {
    const refusal = refusalOf(request);
    if (refusal) return refuseUpgrade(raw, refusal.status, refusal.error);
    const authentication = await auth.authenticate(readToken(request));
    const turnedAway = !isReady()
      ? wireError("SERVICE_UNAVAILABLE", "The server is starting or stopping. Connect again in a moment.", { afterMs: 1_000 })
      : heard.size >= maxConnections
        ? wireError("RATE_LIMITED", `All ${maxConnections} connections are taken. Connect again later.`, { afterMs: 5_000 })
        : authentication.ok
          ? undefined
          : authentication.error;
    server.handleUpgrade(request, raw, head, (socket) => {
      // Protocol violations and resets end the socket by themselves; "close" follows.
      socket.on("error", (error) => log.debug({ err: error }, "a socket failed"));
      if (turnedAway || !authentication.ok) return turnAway(socket, turnedAway!);
      heard.set(socket, true);
      socket.on("close", () => heard.delete(socket));
      welcome(socket, raw, authentication.identity).catch((error: unknown) => {
        log.error({ err: asError(error) }, "a connection could not be opened");
        socket.close(ERROR_CODES.INTERNAL_ERROR.closeCode);
      });
    });
  };

  return {
    loops: [ping, ...(lives ? [lives.loop] : [])],
    upgrade: (request, raw, head) => {
      raw.on("error", () => raw.destroy());
      admit(request, raw, head).catch((error: unknown) => {
        log.error({ err: asError(error) }, "an upgrade failed");
        raw.destroy();
      });
    },
    close: async (code, reason) => {
      ping.stop();
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

function refuseUpgrade(raw: Duplex, status: string, error: WireError): void {
  const body = JSON.stringify({ error });
  raw.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
