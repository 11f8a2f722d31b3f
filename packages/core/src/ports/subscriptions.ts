/** SubscriptionManager: which connections follow which requests. */
import type { RequestKey } from "./requests.ts";

export interface Subscriptions {
  /** Adding twice is adding once. */
  add(connectionId: string, key: RequestKey): Promise<void>;
  remove(connectionId: string, key: RequestKey): Promise<void>;
  /** The connections that follow a request. */
  of(key: RequestKey): Promise<readonly string[]>;
  /** Forgets everything a closed connection followed. */
  dropConnection(connectionId: string): Promise<void>;
}
