/**
 * ConnectionStore in memory: a connection is a socket of this process and cannot outlive it, so storing it would only
 * leave rows that lie after a crash.
 */
import type { Connection, Connections } from "@streamer/core";

export interface OpenConnections extends Connections {
  /** All of them, for the sweep that ends those whose token has expired. */
  readonly all: Iterable<Connection>;
}

export function createConnections(): OpenConnections {
  const open = new Map<string, Connection>();
  return {
    open: (connection) => void open.set(connection.connectionId, connection),
    get: (connectionId) => open.get(connectionId),
    close: async (connectionId) => void open.delete(connectionId),
    get all() {
      return open.values();
    },
  };
}
