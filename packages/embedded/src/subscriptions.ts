/**
 * SubscriptionManager in memory, for the reason connections are: what a connection follows ends with it. Clients
 * subscribe again when they resume (P6).
 */
import type { RequestKey, Subscriptions } from "@streamer/core";

export function createSubscriptions(): Subscriptions {
  const followers = new Map<RequestKey, Set<string>>();
  const followed = new Map<string, Set<RequestKey>>();

  const unlink = <A, B>(map: Map<A, Set<B>>, from: A, to: B): void => {
    const set = map.get(from);
    set?.delete(to);
    if (set?.size === 0) map.delete(from);
  };
  const link = <A, B>(map: Map<A, Set<B>>, from: A, to: B): void => {
    const set = map.get(from);
    if (set) set.add(to);
    else map.set(from, new Set([to]));
  };

  return {
    add: async (connectionId, key) => {
      if (followed.get(connectionId)?.has(key)) return false;
      link(followed, connectionId, key);
      link(followers, key, connectionId);
      return true;
    },
    remove: async (connectionId, key) => {
      unlink(followed, connectionId, key);
      unlink(followers, key, connectionId);
    },
    has: async (connectionId, key) => followed.get(connectionId)?.has(key) ?? false,
    isFollowed: async (key) => followers.has(key),
    of: async (key) => Array.from(followers.get(key) ?? [], (connectionId) => ({ connectionId })),
    // There is no other process.
    handOver: async () => true,
    countOf: async (connectionId) => followed.get(connectionId)?.size ?? 0,
    dropConnection: async (connectionId) => {
      for (const key of followed.get(connectionId) ?? []) unlink(followers, key, connectionId);
      followed.delete(connectionId);
    },
    dropRequest: async (key) => {
      const dropped = Array.from(followers.get(key) ?? []);
      for (const connectionId of dropped) unlink(followed, connectionId, key);
      followers.delete(key);
      return dropped;
    },
  };
}
