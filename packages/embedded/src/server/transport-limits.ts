/** Limits of another transport, kept on sockets of our own: large frames in parts, connections that end when idle or old. */
import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import { splitIntoParts, type TransportLimits } from "@streamer/protocol";
import { createLoop, type Engine, type Loop } from "@streamer/core";
import type { Wire } from "../channel.ts";

export interface Lives {
  /** The socket's wire, from now on counted as used whenever something is sent. */
  watch(socket: WebSocket, wire: Wire): Wire;
  used(socket: WebSocket): void;
  readonly loop: Loop;
}

interface Life {
  readonly endsAt: number;
  usedAt: number;
}

/** Looks at every connection so often: one ends at most this much late. */
const LOOK_EVERY_MS = 1_000;
const LOOK_BOUND_MS = 10_000;
/** What API Gateway closes with: 1001, "Going away". */
const GOING_AWAY = 1001;

export function createLives(
  { clock, log }: Pick<Engine, "clock" | "log">,
  { idleMs, lifeMs }: Pick<TransportLimits, "idleMs" | "lifeMs">,
): Lives {
  const lives = new Map<WebSocket, Life>();
  const used = (socket: WebSocket): void => {
    const life = lives.get(socket);
    if (life) life.usedAt = clock.monotonic();
  };
  const look = (): void => {
    const now = clock.monotonic();
    for (const [socket, { endsAt, usedAt }] of lives) {
      if (now >= endsAt || now - usedAt >= idleMs) socket.close(GOING_AWAY, "Going away");
    }
  };

  return {
    used,
    loop: createLoop({ clock, log, name: "connection lives", round: look, everyMs: LOOK_EVERY_MS, boundMs: LOOK_BOUND_MS }),
    watch: (socket, wire) => {
      const now = clock.monotonic();
      lives.set(socket, { endsAt: now + lifeMs, usedAt: now });
      socket.on("close", () => lives.delete(socket));
      return {
        get bufferedBytes() {
          return wire.bufferedBytes;
        },
        send: (text) => {
          used(socket);
          wire.send(text);
        },
        cork: () => wire.cork(),
        uncork: () => wire.uncork(),
        close: (code, reason) => wire.close(code, reason),
      };
    },
  };
}

/** A wire whose large frames go in parts. */
export function withinLimits(wire: Wire, pushBytes: number): Wire {
  return {
    get bufferedBytes() {
      return wire.bufferedBytes;
    },
    send: (text) => {
      for (const part of splitIntoParts(text, pushBytes, randomUUID)) wire.send(part);
    },
    cork: () => wire.cork(),
    uncork: () => wire.uncork(),
    close: (code, reason) => wire.close(code, reason),
  };
}
