/**
 * Sockets that are told why they may not come in, and are gone. Nothing they send is kept: not the request over HTTP, nor
 * a message. So many may be told at a time; beyond that a socket ends untold.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type ServerOptions, type WebSocket } from "ws";
import type { Clock } from "@streamer/core";
import type { WireError } from "@streamer/protocol";

export interface TurnedAway {
  /** Opens the WebSocket to say why it closes, as `say` does: a browser cannot read the answer to a refused upgrade. */
  socket(upgrade: Upgrade, say: (socket: WebSocket) => void): void;
  /** Answers over HTTP: for what is none of our clients. */
  http(raw: Duplex, status: string, error: WireError): void;
}

export interface Upgrade {
  readonly request: IncomingMessage;
  readonly raw: Socket;
  readonly head: Buffer;
}

export interface TurnedAwayParts {
  readonly clock: Pick<Clock, "after">;
  readonly handshake: Pick<ServerOptions, "handleProtocols">;
}

/** Told at the same time. */
const MAX_TOLD = 256;
/** How long a peer may take to read why, and to agree. */
const LINGER_MS = 2_000;
/** A close frame has at most this much; what is longer, `ws` discards as it comes. */
const MAX_READ_BYTES = 125;

export function createTurnedAway({ clock, handshake }: TurnedAwayParts): TurnedAway {
  const server = new WebSocketServer({
    ...handshake,
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_READ_BYTES,
  });
  let told = 0;

  /** False when there are too many: it is ended then. */
  function begin(raw: Duplex): boolean {
    if (told >= MAX_TOLD) {
      raw.destroy();
      return false;
    }
    told += 1;
    const callOff = clock.after(LINGER_MS, () => raw.destroy());
    raw.once("close", () => {
      told -= 1;
      callOff();
    });
    return true;
  }

  return {
    socket: ({ request, raw, head }, say) => {
      if (!begin(raw)) return;
      server.handleUpgrade(request, raw, head, (socket) => {
        // What it sends is discarded from now on: its answer to the close frame, too.
        socket.on("error", () => raw.end());
        say(socket);
      });
    },
    http: (raw, status, error) => {
      if (!begin(raw)) return;
      const body = JSON.stringify({ error });
      raw.resume();
      raw.end(
        `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    },
  };
}
