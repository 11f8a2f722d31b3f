/** SubscriptionManager: which connections follow which requests. */
import type { RequestKey } from "./requests.ts";

export interface Subscriptions {
  /** True when it was not there before; adding twice is adding once. */
  add(connectionId: string, key: RequestKey): Promise<boolean>;
  remove(connectionId: string, key: RequestKey): Promise<void>;
  /** The connections that follow a request. */
  of(key: RequestKey): Promise<readonly string[]>;
  /** How many requests a connection follows. */
  countOf(connectionId: string): Promise<number>;
  /** Forgets who followed a request that has ended: nothing more will be sent. */
  dropRequest(key: RequestKey): Promise<void>;
  /** Forgets everything a closed connection followed. */
  dropConnection(connectionId: string): Promise<void>;
}
