/**
 * A client may send `cancel` right behind its `request`: what is asked about a request waits until the request itself
 * is known, that is stored, running or refused. Frames about different requests never wait for each other.
 */
import type { Awaitable } from "../../ports/awaitable.ts";
import type { RequestKey } from "../../ports/requests.ts";

export interface Arrivals {
  /** A request has come in under this key, perhaps not the only one. */
  arrive(key: RequestKey): Arrival;
  /** Once all that were announced under the key are known: at once when there is none. */
  known(key: RequestKey): Awaitable<void>;
}

interface Arrival {
  /** Says that the request is not known yet, unless it is. */
  announce(): void;
  /** Says that it is known now: once or again. */
  readonly known: () => void;
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
    arrive(key) {
      let isKnown = false;
      let all: Arriving | undefined;
      return {
        announce() {
          if (isKnown) return;
          all = arriving.get(key) ?? { count: 0 };
          all.count += 1;
          arriving.set(key, all);
        },
        known() {
          if (isKnown) return;
          isKnown = true;
          if (!all || --all.count > 0) return;
          arriving.delete(key);
          all.asked?.resolve();
        },
      };
    },
    known(key) {
      const all = arriving.get(key);
      return all && (all.asked ??= Promise.withResolvers<void>()).promise;
    },
  };
}
