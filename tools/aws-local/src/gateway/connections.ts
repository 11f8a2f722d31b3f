/** The connections that are open: what is known of each, how it is written to, and what ends it. */
import type { WebSocket } from "ws";
import type { ConnectionFacts } from "./events.ts";

export interface Connection {
  readonly facts: ConnectionFacts;
  /** Undefined until $connect has been answered: nothing can be pushed before. */
  socket: WebSocket | undefined;
  lastActiveAt: number;
  /** Why the gateway closed it; undefined while the client does. */
  closedBy: { readonly code: number; readonly reason: string } | undefined;
}

export interface Connections {
  open(facts: ConnectionFacts): Connection;
  /** Open and ready. */
  ready(connectionId: string): Connection | undefined;
  touch(connection: Connection): void;
  close(connection: Connection, code: number, reason: string): void;
  forget(connection: Connection): void;
  readonly all: Iterable<Connection>;
  stop(): void;
}

const LOOK_AT_LEAST_EVERY_MS = 1_000;
/** A peer that does not answer a close frame in this time is cut off. */
const CLOSE_GRACE_MS = 2_000;

export function createConnections({ idleMs, lifeMs }: { readonly idleMs: number; readonly lifeMs: number }): Connections {
  const connections = new Map<string, Connection>();

  const close = (connection: Connection, code: number, reason: string): void => {
    connection.closedBy ??= { code, reason };
    const { socket } = connection;
    if (!socket) return;
    socket.close(code, reason);
    setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref();
  };
  const timer = setInterval(
    () => {
      const now = Date.now();
      for (const connection of connections.values()) {
        if (connection.closedBy) continue;
        if (now - connection.lastActiveAt >= idleMs) close(connection, 1001, "Going away");
        else if (now - connection.facts.connectedAt >= lifeMs) close(connection, 1001, "Going away");
      }
    },
    Math.max(10, Math.min(LOOK_AT_LEAST_EVERY_MS, idleMs / 4, lifeMs / 4)),
  );

  return {
    open: (facts) => {
      const connection: Connection = { facts, socket: undefined, lastActiveAt: facts.connectedAt, closedBy: undefined };
      connections.set(facts.connectionId, connection);
      return connection;
    },
    ready: (connectionId) => {
      const found = connections.get(connectionId);
      return found?.socket && !found.closedBy ? found : undefined;
    },
    touch: (connection) => {
      connection.lastActiveAt = Date.now();
    },
    close,
    forget: ({ facts }) => void connections.delete(facts.connectionId),
    get all() {
      return connections.values();
    },
    stop: () => clearInterval(timer),
  };
}
