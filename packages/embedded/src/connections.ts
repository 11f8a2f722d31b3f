/**
 * ConnectionStore in memory: a connection is a socket of this process and cannot outlive it, so storing it would only
 * leave rows that lie after a crash.
 */
import type { Connection, Connections, Owner } from "@streamer/core";

export interface OpenConnections extends Connections {
  /** All of them, for the sweep that ends those whose token has expired. */
  readonly all: Iterable<Connection>;
}

export function createConnections(): OpenConnections {
  const open = new Map<string, Connection>();
  const byOwner = new Map<string, Set<string>>();
  // A space would be ambiguous; JSON is not.
  const nameOf = ({ tenantId, userId }: Owner): string => JSON.stringify([tenantId, userId]);
  return {
    open: async (connection) => {
      const name = nameOf(connection.owner);
      open.set(connection.connectionId, connection);
      const siblings = byOwner.get(name);
      if (siblings) siblings.add(connection.connectionId);
      else byOwner.set(name, new Set([connection.connectionId]));
    },
    get: async (connectionId) => open.get(connectionId),
    close: async (connectionId) => {
      const connection = open.get(connectionId);
      if (!connection) return;
      open.delete(connectionId);
      const name = nameOf(connection.owner);
      const siblings = byOwner.get(name);
      siblings?.delete(connectionId);
      if (siblings?.size === 0) byOwner.delete(name);
    },
    ofOwner: async (owner) => Array.from(byOwner.get(nameOf(owner)) ?? [], (connectionId) => open.get(connectionId)!),
    get all() {
      return open.values();
    },
  };
}
