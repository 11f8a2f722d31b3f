/**
 * Bytes from a connection to a message for the stage that answers it, or to a typed refusal (P12, P14). Whatever goes
 * wrong becomes an `error` frame for this one message; a connection is closed only for abuse.
 */
import { ERROR_CODES, parseClientMessage, wireError, type ServerMessage, type WireError } from "@streamer/protocol";
import type { StreamerOptions } from "../../options.ts";
import type { Engine } from "../../ports/engine.ts";
import { take, type Bucket } from "../../rules/rate.ts";
import type { Deliver } from "../deliver/deliver.ts";
import type { Faults } from "../faults.ts";
import type { Dispatch } from "./dispatch.ts";

export interface ReceiveParts {
  readonly engine: Pick<Engine, "connections" | "channel" | "clock">;
  readonly faults: Pick<Faults, "refusal">;
  readonly options: StreamerOptions;
  readonly answer: Deliver["answer"];
  readonly makeId: () => string;
  readonly dispatch: Dispatch;
}

interface Rates {
  readonly messages: Bucket;
  readonly refusals: Bucket;
}

export function createReceive({ engine, faults, options, answer, makeId, dispatch }: ReceiveParts) {
  const { connections, channel, clock } = engine;
  const { messagesPerSecond, refusalsPerMinute } = options.admission;
  const rates = new Map<string, Rates>();

  function ratesOf(connectionId: string, now: number): Rates {
    let entry = rates.get(connectionId);
    if (!entry) {
      entry = { messages: { tokens: 2 * messagesPerSecond, at: now }, refusals: { tokens: refusalsPerMinute, at: now } };
      rates.set(connectionId, entry);
    }
    return entry;
  }

  async function refuse(
    connectionId: string,
    error: WireError,
    about: { requestId?: string | undefined; ref?: string | undefined },
  ): Promise<void> {
    const frame: ServerMessage<"error"> = {
      type: "error",
      timestamp: Math.round(clock.now()),
      error,
      ...(about.requestId !== undefined && { request_id: about.requestId }),
      ...(about.ref !== undefined && { ref: about.ref }),
    };
    await answer(connectionId, frame);
  }

  /** Frames that are no messages, or far too many of them: a client that goes on so is cut off (P12). */
  async function countAbuse(connectionId: string): Promise<void> {
    const now = clock.monotonic();
    if (take(ratesOf(connectionId, now).refusals, refusalsPerMinute / 60, refusalsPerMinute, now) > 0) {
      await channel.close(connectionId, ERROR_CODES.RATE_LIMITED.closeCode, "too many refused messages");
    }
  }

  return {
    /** Forgets the rates of a closed connection. */
    forget(connectionId: string): void {
      rates.delete(connectionId);
    },
    async receive(connectionId: string, data: string | Uint8Array): Promise<void> {
      const connection = await connections.get(connectionId);
      if (!connection) {
        await channel.close(connectionId, ERROR_CODES.UNAUTHORIZED.closeCode, "unknown connection");
        return;
      }
      const parsed = parseClientMessage(data, options.frames);
      if (!parsed.ok) {
        await refuse(connectionId, parsed.error, parsed);
        await countAbuse(connectionId);
        return;
      }
      const { message } = parsed;
      const requestId = message.type === "request" ? (message.id ?? makeId()) : "request_id" in message ? message.request_id : "";
      const ref = "ref" in message ? message.ref : undefined;
      const about = { requestId: requestId === "" ? undefined : requestId, ref };
      const now = clock.monotonic();
      const afterMs = take(ratesOf(connectionId, now).messages, messagesPerSecond, 2 * messagesPerSecond, now);
      if (afterMs > 0) {
        await refuse(
          connectionId,
          wireError("RATE_LIMITED", `More than ${messagesPerSecond} messages a second; this one was not accepted.`, { afterMs }),
          about,
        );
        await countAbuse(connectionId);
        return;
      }
      try {
        await dispatch.dispatch(message, connection, requestId);
      } catch (error) {
        await refuse(connectionId, faults.refusal(error, requestId), about);
      }
    },
  };
}
