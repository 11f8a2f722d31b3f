/**
 * What messages that are not complete yet may hold of this server's memory: so much of one user, so much in all, and each
 * for so long. Whoever goes beyond is closed; in all, whose message began first, because that is who dribbles.
 */
import { createLoop, type Clock, type Log, type Loop } from "@streamer/core";
import { wireError, type WireError } from "@streamer/protocol";
import type { ConnectionLimits } from "./doors.ts";
import type { FrameMeter } from "./frame-meter.ts";

export interface Watched {
  readonly meter: FrameMeter;
  /** Whose bytes count as whose. */
  readonly user: string;
  /** Closes the socket, and reads no more from it. */
  end(error: WireError): void;
}

export interface Unfinished {
  /** Reads what has come in on a socket. Returns how many frames ended in it that were no whole message: pings, pieces. */
  take(socket: Watched, chunk: Uint8Array): number;
  /** To be called when it has closed. */
  forget(socket: Watched): void;
  /** Bytes held now, over all connections. */
  readonly bytes: number;
  readonly loop: Loop;
}

export interface UnfinishedParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Pick<ConnectionLimits, "unfinishedBytes" | "unfinishedBytesPerUser" | "unfinishedMs">;
}

interface Holding {
  readonly socket: Watched;
  readonly since: number;
  bytes: number;
}

const AFTER_MS = 5_000;
/** One that takes too long is noticed so late at most. */
const LOOK_EVERY_MS = 5_000;
const LOOK_BOUND_MS = 10_000;

export function createUnfinished({ clock, log, limits }: UnfinishedParts): Unfinished {
  /** In the order in which their messages began. */
  const holdings = new Map<Watched, Holding>();
  const ofUsers = new Map<string, number>();
  let total = 0;

  function add(user: string, bytes: number): void {
    total += bytes;
    const left = (ofUsers.get(user) ?? 0) + bytes;
    if (left > 0) ofUsers.set(user, left);
    else ofUsers.delete(user);
  }

  function forget(socket: Watched): void {
    const holding = holdings.get(socket);
    if (!holding) return;
    holdings.delete(socket);
    add(socket.user, -holding.bytes);
  }

  function hold(socket: Watched, bytes: number): void {
    const holding = holdings.get(socket) ?? { socket, since: clock.monotonic(), bytes: 0 };
    holdings.set(socket, holding);
    add(socket.user, bytes - holding.bytes);
    holding.bytes = bytes;
  }

  function end(socket: Watched, message: string): void {
    forget(socket);
    socket.end(wireError("RATE_LIMITED", `${message} Connect again and send less at a time.`, { afterMs: AFTER_MS }));
  }

  function check(socket: Watched): void {
    if ((ofUsers.get(socket.user) ?? 0) > limits.unfinishedBytesPerUser)
      end(socket, `Messages of yours that are not complete hold more than ${limits.unfinishedBytesPerUser} bytes, the limit.`);
    while (total > limits.unfinishedBytes) {
      const [oldest] = holdings.keys();
      if (!oldest) return;
      end(oldest, `Messages that are not complete hold more than ${limits.unfinishedBytes} bytes, the server's limit; yours began first.`);
    }
  }

  const look = (): void => {
    const now = clock.monotonic();
    for (const { socket, since } of holdings.values()) {
      if (now - since < limits.unfinishedMs) return;
      end(socket, `A message was not complete after ${limits.unfinishedMs} ms, the limit.`);
    }
  };

  return {
    get bytes() {
      return total;
    },
    loop: createLoop({ clock, log, name: "unfinished messages", round: look, everyMs: LOOK_EVERY_MS, boundMs: LOOK_BOUND_MS }),
    take(socket, chunk) {
      const { meter } = socket;
      const before = meter.messages;
      const besides = meter.take(chunk);
      // One that began in this chunk is another than the one that ended in it.
      if (meter.messages > before || meter.held === 0) forget(socket);
      if (meter.held > 0) {
        hold(socket, meter.held);
        check(socket);
      }
      return besides;
    },
    forget,
  };
}
