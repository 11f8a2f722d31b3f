/**
 * WebSockets: who may connect. Refusals of the token are answered on the socket, as an `error` frame and close code 1008,
 * because a browser cannot read the answer to a failed upgrade. A foreign origin gets HTTP 403: it is not our client. A
 * place is taken before anything is spent (doors.ts); who is let in is among the clients (clients.ts).
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type ServerOptions } from "ws";
import { ERROR_CODES, printMessage, SUBPROTOCOL, wireError, type WireError } from "@streamer/protocol";
import { andThen, asError, orElse, ownerName, type Awaitable, type Loop } from "@streamer/core";
import { readToken, type Accepted, type Authentication } from "@streamer/auth";
import type { Auth } from "./auth.ts";
import type { AddressReader } from "./client-address.ts";
import { closeCodeOf, createClients, type Clients, type ClientsParts } from "./clients.ts";
import type { Doors, Place } from "./doors.ts";
import { createOrigins } from "./origins.ts";
import { DEVELOPMENT_ALONE, saidBy } from "./own-address.ts";
import { createTurnedAway, type Upgrade } from "./turned-away.ts";

export interface GatewayParts extends ClientsParts {
  readonly auth: Auth;
  readonly isReady: () => boolean;
  readonly path: string;
  readonly allowedOrigins: readonly string[];
  readonly addresses: Pick<AddressReader, "of">;
  /** True of those whom the development key is not for. */
  readonly isTooFar: (request: IncomingMessage) => boolean;
  readonly doors: Doors;
}

export interface Gateway extends Pick<Clients, "arrivalOf" | "close"> {
  readonly loops: readonly Loop[];
  /** One that came to the path of WebSockets. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** One that came to another. */
  refuse(request: IncomingMessage, socket: Duplex): void;
}

/** How long a peer may take to answer a close frame; until then a slow one's buffer is kept. */
const CLOSE_TIMEOUT_MS = 5_000;
const HANDSHAKE: Pick<ServerOptions, "handleProtocols"> = {
  handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
};
const STARTING_OR_STOPPING = wireError("SERVICE_UNAVAILABLE", "The server is starting or stopping. Connect again in a moment.", {
  afterMs: 1_000,
});

export function createGateway(parts: GatewayParts): Gateway {
  const { engine, auth, isReady, path, allowedOrigins, addresses, doors, messageBytes, transport } = parts;
  const { clock, log } = engine;
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
  const origins = createOrigins({ allowed: allowedOrigins, log });
  const clients = createClients(parts);

  const turnAway = (upgrade: Upgrade, error: WireError): void =>
    turnedAway.socket(upgrade, (socket) => {
      socket.send(printMessage({ type: "error", timestamp: clock.now(), error }));
      socket.close(closeCodeOf(error), error.code);
    });

  /** Asks everything that could refuse it, the cheapest first: in this turn, but for a token that cannot be judged in it. */
  const admit = (upgrade: Upgrade): Awaitable<void> => {
    const { request, raw } = upgrade;
    const foreign = origins.refusalOf(request);
    if (foreign !== undefined) return turnedAway.http(raw, "403 Forbidden", wireError("FORBIDDEN", foreign));
    if (!isReady()) return turnAway(upgrade, STARTING_OR_STOPPING);
    if (parts.isTooFar(request)) return turnAway(upgrade, DEVELOPMENT_ALONE);
    const entered = doors.enter(addresses.of(request));
    if ("error" in entered) return turnAway(upgrade, entered.error);
    const { place } = entered;
    leaveWhenClosed(place, raw);
    return andThen(auth.authenticate(readToken(request)), (authentication) => settle(upgrade, place, authentication));
  };

  const settle = (upgrade: Upgrade, place: Place, authentication: Authentication): void => {
    if (!authentication.ok) return refuse(upgrade, place, authentication.error);
    const { owner } = authentication.identity;
    const user = ownerName(owner);
    const error = isReady() ? place.settle(owner, user) : STARTING_OR_STOPPING;
    if (error) refuse(upgrade, place, error);
    else open(upgrade, user, authentication);
  };

  /** It goes on for a moment, and takes nobody's place meanwhile. */
  const refuse = (upgrade: Upgrade, place: Place, error: WireError): void => {
    place.leave();
    turnAway(upgrade, error);
  };

  const open = ({ request, raw, head }: Upgrade, user: string, accepted: Accepted): void => {
    const said = saidBy(request);
    // The answer to the upgrade and the welcome are one write.
    raw.cork();
    server.handleUpgrade(request, raw, head, (socket) => {
      const failed = (error: unknown): void => {
        log.error({ err: asError(error) }, "a connection could not be opened");
        socket.close(ERROR_CODES.INTERNAL_ERROR.closeCode);
      };
      void andThen(
        orElse(() => clients.add({ socket, raw, said, user }, accepted), failed),
        () => raw.uncork(),
      );
    });
  };

  return {
    loops: clients.loops,
    arrivalOf: clients.arrivalOf,
    upgrade: (request, socket, head) => {
      // Of `node:net`, as everything that an HTTP server upgrades.
      const raw = socket as Socket;
      raw.on("error", destroy);
      const failed = (error: unknown): void => {
        log.error({ err: asError(error) }, "an upgrade failed");
        raw.destroy();
      };
      void orElse(() => admit({ request, raw, head }), failed);
    },
    refuse: (_, raw) => {
      raw.on("error", destroy);
      turnedAway.http(raw, "404 Not Found", wireError("NOT_FOUND", `WebSockets connect at ${path}.`));
    },
    close: async (code, reason) => {
      await clients.close(code, reason);
      server.close();
    },
  };
}

/** Apart from all else: what is here lives as long as the socket, the upgrade request and its first bytes included. */
function leaveWhenClosed(place: Place, raw: Socket): void {
  raw.on("close", () => place.leave());
}

function destroy(this: Duplex): void {
  this.destroy();
}
