/**
 * A client may send `cancel` right behind its `request`: what is asked about a request waits until the request itself
 * is known, that is stored, running or refused. Frames about different requests never wait for each other.
 */
import type { RequestKey } from "../../ports/requests.ts";

export interface Arrivals {
  /** A request has come in under this key, perhaps not the only one. Returns what says that it is known now: once or again. */
  announce(key: RequestKey): () => void;
  /** Resolves once all that have come in under the key are known. */
  known(key: RequestKey): Promise<void>;
}

interface Arriving {
  /** Requests under one key, from several connections, say, that are not known yet. */
  count: number;
  /** Made only when somebody asks: nearly always nobody does. */
  asked?: PromiseWithResolvers<void>;
}

export function createArrivals(): Arrivals {
  const arriving = new Map<RequestKey, Arriving>();
  return {
    announce(key) {
      const all = arriving.get(key) ?? { count: 0 };
      all.count += 1;
      arriving.set(key, all);
      let isKnown = false;
      return () => {
        if (isKnown) return;
        isKnown = true;
        all.count -= 1;
        if (all.count > 0) return;
        arriving.delete(key);
        all.asked?.resolve();
      };
    },
    async known(key) {
      const all = arriving.get(key);
      if (all) await (all.asked ??= Promise.withResolvers<void>()).promise;
    },
  };
}
