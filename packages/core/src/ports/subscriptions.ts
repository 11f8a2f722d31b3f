/**
 * SubscriptionManager: which connections follow which requests, and, where several processes can reach a connection,
 * which of them tells it about a request. One does at a time: only so do events arrive in order (P5, P6).
 */
import type { RequestKey } from "./requests.ts";

/** A follower that this process has to tell. */
export interface Follower {
  readonly connectionId: string;
  /** Present when other processes have written or told since: what came after this seq has to be read from the log. */
  readonly after?: number;
}

export interface Subscriptions {
  /**
   * Adds a subscription, which this process tells from now on. True when it is new. When it is not, false, or the seq up to
   * which another process has told it at least. Adding it twice is harmless.
   */
  add(connectionId: string, key: RequestKey): Promise<boolean | number>;
  remove(connectionId: string, key: RequestKey): Promise<void>;
  has(connectionId: string, key: RequestKey): Promise<boolean>;
  /** Whether any connection follows the request, whichever process tells it. */
  isFollowed(key: RequestKey): Promise<boolean>;
  /** Returns the followers that this process has to tell. Those of another process are left to it: it finds what is new. */
  of(key: RequestKey): Promise<readonly Follower[]>;
  /** Leaves a follower that was told everything up to `seq` to other processes. Returns false when there is more to tell first. */
  handOver(connectionId: string, key: RequestKey, seq: number): Promise<boolean>;
  /** Returns how many requests a connection follows. */
  countOf(connectionId: string): Promise<number>;
  /** Removes all subscriptions to a request that has ended. Returns the connections that followed it. */
  dropRequest(key: RequestKey): Promise<readonly string[]>;
  /** Removes all subscriptions of a closed connection. */
  dropConnection(connectionId: string): Promise<void>;
}
