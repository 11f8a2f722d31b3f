/**
 * A client may send `cancel` right behind its `request`: what is asked about a request waits until the request itself
 * is known, that is stored, running or refused. Frames about different requests never wait for each other.
 */
import type { RequestKey } from "../../ports/requests.ts";

export interface Arrivals {
  /** A request has come in under this key. */
  announce(key: RequestKey): void;
  /** What there is under this key is known now. */
  settle(key: RequestKey): void;
  /** Resolves once it is. */
  known(key: RequestKey): Promise<void>;
}

export function createArrivals(): Arrivals {
  /** A promise is made only when somebody asks: nearly always nobody does. */
  const arriving = new Map<RequestKey, PromiseWithResolvers<void> | undefined>();
  return {
    announce(key) {
      if (!arriving.has(key)) arriving.set(key, undefined);
    },
    settle(key) {
      arriving.get(key)?.resolve();
      arriving.delete(key);
    },
    async known(key) {
      if (!arriving.has(key)) return;
      const asked = arriving.get(key) ?? Promise.withResolvers<void>();
      arriving.set(key, asked);
      await asked.promise;
    },
  };
}
