/**
 * ConnectionStore: connections outlive the functions that serve them. `$disconnect` is best effort, so an item also goes
 * when a push finds its connection gone, and by itself after the longest life API Gateway gives a connection.
 */
import type { Connection, Connections } from "@streamer/core";
import type { Items } from "./dynamodb/items.ts";
import { shardOf, shards } from "./dynamodb/keys.ts";
import type { Places } from "./places.ts";

interface ConnectionItem {
  readonly connection_id: string;
  readonly tenant: string;
  readonly user: string;
  readonly permissions: readonly string[];
  readonly connected_at: number;
  readonly expires_at?: number;
  /** `welcome` is not sent yet: API Gateway takes no push before `$connect` has been answered. */
  readonly ungreeted?: true;
  /** Names the call that took it upon itself to greet. */
  readonly greeter?: string;
  /** Thumbprint of the key that its token was signed with, where keys come and go. */
  readonly key_id?: string;
  /** The token was refused, and why: told at the first message, because a browser cannot read a refused upgrade. */
  readonly refusal?: string;
}

/** A connection as its first message finds it. */
export interface Caller {
  readonly connection: Connection;
  readonly ungreeted: boolean;
  /** The JSON text of the error that ends it. */
  readonly refusal?: string;
}

export interface StoredConnections extends Connections {
  /** Registers one that is greeted, or refused, when it first speaks. */
  admit(connection: Connection, more?: { readonly refusal?: string; readonly keyId?: string }): Promise<void>;
  /** The key that the token of one was signed with. */
  keyOf(connectionId: string): Promise<string | undefined>;
  caller(connectionId: string): Promise<Caller | undefined>;
  /** True for the one that is to greet it. */
  markGreeted(connectionId: string): Promise<boolean>;
  /** Connections whose token ends in (from, to], epoch ms. */
  expiring(from: number, to: number): AsyncIterable<readonly { readonly connectionId: string; readonly expiresAt: number }[]>;
}

/** API Gateway ends a connection after 2 hours; its item may be left behind for as long again. */
const MAX_LIFE_MS = 4 * 3_600_000;
/** Connections that are seen to in one go. */
const PAGE = 100;

export interface ConnectionsParts {
  readonly items: Items;
  readonly places: Pick<Places, "leave">;
  readonly makeId: () => string;
}

export function createConnections({ items, places, makeId }: ConnectionsParts): StoredConnections {
  const toConnection = (item: ConnectionItem): Connection => ({
    connectionId: item.connection_id,
    owner: { tenantId: item.tenant, userId: item.user },
    permissions: item.permissions,
    connectedAt: item.connected_at,
    ...(item.expires_at !== undefined && { expiresAt: item.expires_at }),
  });
  const put = ({ connectionId, owner, permissions, connectedAt, expiresAt }: Connection, more: Partial<ConnectionItem>): Promise<void> => {
    return items.put({
      connection_id: connectionId,
      tenant: owner.tenantId,
      user: owner.userId,
      permissions,
      connected_at: Math.round(connectedAt),
      ttl: Math.ceil((connectedAt + MAX_LIFE_MS) / 1_000),
      ...(expiresAt !== undefined && { expires_at: Math.round(expiresAt), expiry_shard: String(shardOf(connectionId)) }),
      ...more,
    });
  };
  const find = (connectionId: string): Promise<ConnectionItem | undefined> => items.get<ConnectionItem>({ connection_id: connectionId });

  /** Of the frame that is being answered. */
  let caller: Caller | undefined;

  return {
    open: (connection) => put(connection, {}),
    admit: (connection, { refusal, keyId } = {}) =>
      put(connection, { ungreeted: true, ...(refusal !== undefined && { refusal }), ...(keyId !== undefined && { key_id: keyId }) }),
    keyOf: async (connectionId) => (await find(connectionId))?.key_id,
    get: async (connectionId) => {
      // The flow asks for the connection that the function has just looked up.
      if (caller?.connection.connectionId === connectionId && caller.refusal === undefined) return caller.connection;
      const item = await find(connectionId);
      return item && item.refusal === undefined ? toConnection(item) : undefined;
    },
    caller: async (connectionId) => {
      caller = undefined;
      const item = await find(connectionId);
      if (!item) return undefined;
      const { refusal, ungreeted = false } = item;
      caller = { connection: toConnection(item), ungreeted, ...(refusal !== undefined && { refusal }) };
      return caller;
    },
    markGreeted: async (connectionId) => {
      // By its name a call whose answer was lost is recognised when it is made again: else nobody would greet.
      const update = {
        set: "SET greeter = :me REMOVE ungreeted",
        condition: "attribute_exists(ungreeted) OR greeter = :me",
        values: { ":me": makeId() },
      };
      return (await items.update({ connection_id: connectionId }, update)) !== undefined;
    },
    close: async (connectionId) => {
      if (caller?.connection.connectionId === connectionId) caller = undefined;
      const item = await items.pull<ConnectionItem>({ connection_id: connectionId });
      if (item && item.refusal === undefined) await places.leave(toConnection(item).owner, connectionId);
    },
    expiring: async function* (from, to) {
      for (const shard of shards) {
        const query = {
          index: "by_expiry",
          where: "expiry_shard = :shard AND expires_at BETWEEN :from AND :to",
          values: { ":shard": String(shard), ":from": Math.round(from) + 1, ":to": Math.round(to) },
          limit: PAGE,
        };
        for await (const page of items.pages<{ connection_id: string; expires_at: number }>(query)) {
          yield page.map(({ connection_id: connectionId, expires_at: expiresAt }) => ({ connectionId, expiresAt }));
        }
      }
    },
  };
}
