/**
 * Bytes from a connection to a message for the stage that answers it, or to a typed refusal (P12, P14). Whatever goes
 * wrong becomes an `error` frame for this one message; a connection is closed only for abuse.
 */
import { andThen, orElse } from "../../awaitable.ts";
import {
  byteLength,
  ERROR_CODES,
  leadingIds,
  parseClientMessage,
  wireError,
  type ClientMessage,
  type ServerMessage,
  type WireError,
} from "@streamer/protocol";
import type { StreamerOptions } from "../../options.ts";
import type { Awaitable } from "../../ports/awaitable.ts";
import type { Connection } from "../../ports/connections.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Deliver } from "../deliver/deliver.ts";
import type { Faults } from "../faults.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Rates } from "./rates.ts";

export interface ReceiveParts {
  readonly engine: Pick<Engine, "connections" | "channel" | "clock">;
  readonly faults: Pick<Faults, "refusal">;
  readonly options: Pick<StreamerOptions, "frames">;
  readonly rates: Rates;
  readonly answer: Deliver["answer"];
  readonly makeId: () => string;
  readonly dispatch: Dispatch;
  /** Forgets a connection that was closed. */
  readonly drop: (connectionId: string) => Promise<void>;
}

/** With its bytes of UTF-8. */
interface Frame {
  readonly data: string | Uint8Array;
  readonly bytes: number;
}

interface About {
  readonly requestId?: string | undefined;
  readonly ref?: string | undefined;
}
interface Refused extends About {
  readonly error: WireError;
}

export function createReceive({ engine, faults, options, rates, answer, makeId, dispatch, drop }: ReceiveParts) {
  const { connections, channel, clock } = engine;
  /** Cut off, and not gone yet: what they have sent behind is not read. */
  const cutOff = new Set<string>();
  /** Lookups under way: frames of one connection that come at once go on in the order they came in. */
  const lookups = new Map<string, Promise<Connection | undefined>>();

  function lookUp(connectionId: string): Awaitable<Connection | undefined> {
    const underWay = lookups.get(connectionId);
    if (underWay) return underWay;
    const found = connections.get(connectionId);
    if (!(found instanceof Promise)) return found;
    const lookup = found.finally(() => lookups.delete(connectionId));
    lookups.set(connectionId, lookup);
    return lookup;
  }

  async function refuse(connectionId: string, error: WireError, about: About): Promise<void> {
    const frame: ServerMessage<"error"> = {
      type: "error",
      timestamp: Math.round(clock.now()),
      error,
      ...(about.requestId !== undefined && { request_id: about.requestId }),
      ...(about.ref !== undefined && { ref: about.ref }),
    };
    await answer(connectionId, frame);
  }

  /**
   * Frames that are no messages, or far too many of them: a client that goes on so is cut off (P12). That is decided before
   * anything is waited for, so that nothing it has sent behind is dealt with meanwhile.
   */
  async function refuseFrame({ connectionId }: Connection, refusal: Refused, isOver: boolean): Promise<void> {
    if (isOver) cutOff.add(connectionId);
    await refuse(connectionId, refusal.error, refusal);
    if (!isOver) return;
    try {
      await channel.close(connectionId, ERROR_CODES.RATE_LIMITED.closeCode, "too many refused messages");
      await drop(connectionId);
    } finally {
      cutOff.delete(connectionId);
    }
  }

  /** The frame's message, or why it is none. Limits come before parsing. */
  function read(connection: Connection, { data, bytes }: Frame, now: number) {
    const over = rates.take(connection, bytes, now);
    if (!over) return parseClientMessage(data, options.frames);
    const message = `More than ${over.limit}; this message was not accepted.`;
    return { ok: false, error: wireError("RATE_LIMITED", message, { afterMs: over.afterMs }), ...leadingIds(data) } as const;
  }

  /** Whoever was not let in is not read, nor what stands behind a frame that was one too many. */
  function whenKnown(connectionId: string, deal: (connection: Connection) => Awaitable<void>): Awaitable<void> {
    return andThen(lookUp(connectionId), (connection) => {
      if (!connection) return channel.close(connectionId, ERROR_CODES.UNAUTHORIZED.closeCode, "unknown connection");
      // Asked here, at once before it is dealt with: whoever came before may have been one too many.
      return cutOff.has(connectionId) ? undefined : deal(connection);
    });
  }

  function readFrame(connection: Connection, frame: Frame): Awaitable<void> {
    const now = clock.monotonic();
    const parsed = read(connection, frame, now);
    return parsed.ok ? dispatched(connection, parsed.message) : refuseFrame(connection, parsed, rates.isAbuse(connection, now));
  }

  function dispatched(connection: Connection, message: ClientMessage): Awaitable<void> {
    const requestId = message.type === "request" ? (message.id ?? makeId()) : "request_id" in message ? message.request_id : "";
    const refused = (error: unknown): Awaitable<void> =>
      refuse(connection.connectionId, faults.refusal(error, requestId), {
        requestId: requestId === "" ? undefined : requestId,
        ref: "ref" in message ? message.ref : undefined,
      });
    return orElse(() => dispatch.dispatch(message, connection, requestId), refused);
  }

  return {
    /** Forgets the rates of a closed connection. */
    forget(connectionId: string): void {
      rates.forget(connectionId);
    },
    /** A binary frame is no message of this protocol. */
    refuseBinary(connectionId: string): Awaitable<void> {
      return whenKnown(connectionId, (connection) => {
        const error = wireError("INVALID_MESSAGE", "Binary frames are not part of this protocol; send JSON as text.");
        return refuseFrame(connection, { error }, rates.isAbuse(connection, clock.monotonic()));
      });
    },
    /** Deals with one frame: what needs nothing that has to be waited for is answered when this returns. */
    receive(connectionId: string, data: string | Uint8Array, bytes = byteLength(data)): Awaitable<void> {
      return whenKnown(connectionId, (connection) => readFrame(connection, { data, bytes }));
    },
  };
}
