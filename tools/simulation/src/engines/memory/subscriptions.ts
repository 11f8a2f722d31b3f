/** Subscriptions of one process: pairs of a connection and a request. */
import type { RequestKey, Subscriptions } from "@streamer/core";

export function createSubscriptions(): Subscriptions & { readonly count: number } {
  const followers = new Map<RequestKey, Set<string>>();

  function remove(connectionId: string, key: RequestKey): void {
    const set = followers.get(key);
    set?.delete(connectionId);
    if (set?.size === 0) followers.delete(key);
  }

  const followedBy = (connectionId: string): readonly RequestKey[] =>
    Array.from(followers).flatMap(([key, set]) => (set.has(connectionId) ? [key] : []));

  return {
    add: async (connectionId, key) => {
      const set = followers.get(key) ?? new Set();
      followers.set(key, set);
      const isNew = !set.has(connectionId);
      set.add(connectionId);
      return isNew;
    },
    remove: async (connectionId, key) => remove(connectionId, key),
    has: async (connectionId, key) => followers.get(key)?.has(connectionId) ?? false,
    isFollowed: async (key) => followers.has(key),
    of: async (key) => Array.from(followers.get(key) ?? [], (connectionId) => ({ connectionId })),
    handOver: async () => true,
    countOf: async (connectionId) => followedBy(connectionId).length,
    dropConnection: async (connectionId) => {
      for (const key of followedBy(connectionId)) remove(connectionId, key);
    },
    dropRequest: async (key) => {
      const dropped = Array.from(followers.get(key) ?? []);
      followers.delete(key);
      return dropped;
    },
    get count() {
      return followers.size;
    },
  };
}
