/**
 * The sockets that are open: each becomes a connection, what it says goes to the flow, and it is counted, pinged and reviewed
 * until it closes. What a socket may cost is counted before it is paid: bytes of a message that is not complete
 * (unfinished.ts), frames that are no messages (frame-rates.ts).
 */
import { ERROR_CODES, printMessage, wireError, type ErrorCodeEntry, type TransportLimits, type WireError } from "@streamer/protocol";
import { asError, createLoop, orElse, type Awaitable, type Loop, type Streamer } from "@streamer/core";
import type { Accepted, Guard } from "@streamer/auth";
import type { RawData, WebSocket } from "ws";
import { ClientSocket, type OpenedSocket } from "./client-socket.ts";
import type { EmbeddedEngine } from "../engine.ts";
import { connect } from "./entry/connect.ts";
import { disconnect } from "./entry/disconnect.ts";
import { message } from "./entry/message.ts";
import { createFrameRates } from "./frame-rates.ts";
import type { Arrival } from "./own-address.ts";
import { createReviews } from "./reviews.ts";
import { createTextFrames } from "./text-frames.ts";
import { createLives, withinLimits } from "./transport-limits.ts";
import type { Unfinished } from "./unfinished.ts";

export interface ClientsParts {
  readonly engine: EmbeddedEngine;
  readonly streamer: Streamer;
  readonly auth: Pick<Guard, "review">;
  readonly unfinished: Unfinished;
  /** The largest frame the flow accepts. */
  readonly messageBytes: number;
  /** Messages a second on one connection; twice as many frames that are none: pings, pieces of messages. */
  readonly messagesPerSecond: number;
  /** Limits of another transport to keep within. */
  readonly transport?: TransportLimits;
}

export interface Clients {
  readonly loops: readonly Loop[];
  /** Makes a connection of a socket that was let in, and welcomes it before anything that it has sent is looked at. */
  add(opened: OpenedSocket, accepted: Accepted): Awaitable<void>;
  /** How the client of a connection came; undefined once it is gone. */
  arrivalOf(connectionId: string): Arrival | undefined;
  /** Closes every socket, and waits a moment for the peers to agree. */
  close(code: number, reason: string): Promise<void>;
}

/** A peer that answers no ping for this long is gone. One timer for all sockets. */
const PING_EVERY_MS = 30_000;
/** It only hands frames to the sockets. */
const PING_BOUND_MS = 10_000;
/** How long one that is cut off may take to read why. */
const CUT_OFF_MS = 1_000;
/** Pongs wait for a client no further than this. */
const PONG_BUFFER_BYTES = 65_536;

export function createClients(parts: ClientsParts): Clients {
  const { engine, streamer, auth, unfinished, messagesPerSecond, transport } = parts;
  const { clock, log, channel } = engine;
  const frameRates = createFrameRates({ clock, perSecond: 2 * messagesPerSecond });
  const frameOf = createTextFrames();
  const lives = transport && createLives(engine, transport);
  /** By connection. */
  const clients = new Map<string, ClientSocket>();

  const pingAll = (): void => {
    for (const client of clients.values()) {
      if (!client.isHeard) client.socket.terminate();
      else {
        client.isHeard = false;
        client.socket.ping();
      }
    }
  };
  const ping = createLoop({ clock, log, name: "ping", round: pingAll, everyMs: PING_EVERY_MS, boundMs: PING_BOUND_MS });

  const tellAndClose = async (connectionId: string, error: WireError): Promise<void> => {
    await channel.send(connectionId, { text: printMessage({ type: "error", timestamp: clock.now(), error }) });
    await channel.close(connectionId, closeCodeOf(error), error.code);
  };

  const reviews = createReviews({
    clock,
    log,
    open: () => clients.values(),
    review: auth.review,
    end: async (connectionId, error) => {
      await tellAndClose(connectionId, error);
      await streamer.disconnect(connectionId);
    },
  });

  /** Ends a connection that costs too much: it is told why, and not read any more, whether it agrees or not. */
  const cutOff = ({ socket, isOpen, connectionId }: ClientSocket, error: WireError): void => {
    if (socket.isPaused || !isOpen) return;
    socket.pause();
    clock.after(CUT_OFF_MS, () => socket.terminate());
    tellAndClose(connectionId, error).catch((problem: unknown) => log.error({ err: asError(problem) }, "a socket could not be closed"));
  };

  /** Counts what has come in, whatever it is, before `ws` makes anything of it. */
  const count = (client: ClientSocket, chunk: Buffer): void => {
    const { messages } = client.meter;
    const besides = unfinished.take(client, chunk);
    if (besides > 0 || client.meter.messages > messages) client.isHeard = true;
    const afterMs = besides > 0 ? client.frames.take(besides) : 0;
    if (afterMs > 0) client.end(wireError("RATE_LIMITED", "Too many pings and pieces of messages a second. Send fewer.", { afterMs }));
  };

  const unanswered = (error: unknown): void => log.error({ err: asError(error) }, "a frame could not be answered");
  const receive = ({ connectionId }: ClientSocket, data: RawData, isBinary: boolean): void =>
    void orElse(() => message(parts, connectionId, data as Buffer, isBinary), unanswered);

  const forget = (client: ClientSocket): void => {
    clients.delete(client.connectionId);
    client.frames.leave();
    unfinished.forget(client);
    disconnect(parts, client.connectionId).catch((error: unknown) =>
      log.error({ err: asError(error) }, "a connection could not be forgotten"),
    );
  };

  const listen = (client: ClientSocket): void => {
    const { socket, raw } = client;
    raw.on("data", (chunk: Buffer) => count(client, chunk));
    raw.on("drain", () => channel.drained(client.connectionId));
    // Protocol violations and resets end the socket by themselves; "close" follows.
    socket.on("error", onError);
    socket.on("ping", answerPing);
    if (lives) socket.on("message", () => lives.used(socket));
    // As a server that cannot speak first does it.
    if (transport) socket.once("message", () => void streamer.greet(client.connectionId));
    // Of a socket that is closing nothing counts any more, whatever it has sent behind what closed it.
    socket.on("message", (data: RawData, isBinary: boolean) => client.isOpen && receive(client, data, isBinary));
    socket.on("close", () => forget(client));
  };
  const onError = (error: Error): void => log.debug({ err: error }, "a socket failed");

  return {
    loops: [ping, unfinished.loop, reviews, ...(lives ? [lives.loop] : [])],
    arrivalOf: (connectionId) => clients.get(connectionId)?.arrival,
    add: (opened, { identity, credential }) => {
      const client = new ClientSocket(opened, { credential, frames: frameRates.enter(opened.user), frameOf, cutOff });
      const { connectionId, socket } = client;
      clients.set(connectionId, client);
      listen(client);
      const wire = lives && transport ? withinLimits(lives.watch(socket, client), transport.pushBytes) : client;
      return connect(parts, wire, { connectionId, ...identity, connectedAt: clock.now() }, !transport);
    },
    close: async (code, reason) => {
      ping.stop();
      unfinished.loop.stop();
      reviews.stop();
      lives?.loop.stop();
      const sockets = Array.from(clients.values(), ({ socket }) => socket);
      const closed = sockets.map((socket) => new Promise<void>((resolve) => void socket.once("close", () => resolve())));
      // `ws` ends by force what does not answer in time.
      for (const socket of sockets) socket.close(code, reason);
      await Promise.all(closed);
    },
  };
}

/** The code that a connection is closed with for it. */
export const closeCodeOf = ({ code }: WireError): number => {
  const entry: ErrorCodeEntry = ERROR_CODES[code];
  return entry.closeCode ?? 1008;
};

/** Whoever reads no answers gets none: they would wait here for ever. */
function answerPing(this: WebSocket, data: Buffer): void {
  if (this.bufferedAmount < PONG_BUFFER_BYTES) this.pong(data);
}
