/** Connections of one process. */
import type { Connection, Connections } from "@streamer/core";

export function createConnections(): Connections & { readonly all: readonly Connection[] } {
  const open = new Map<string, Connection>();
  return {
    open: async (connection) => void open.set(connection.connectionId, connection),
    get: async (connectionId) => open.get(connectionId),
    close: async (connectionId) => void open.delete(connectionId),
    get all() {
      return Array.from(open.values());
    },
  };
}
