/**
 * SubscriptionManager: which connections follow which requests, and, where several processes can reach a connection,
 * which of them tells it about a request. One does at a time: only so do events arrive in order (P5, P6).
 */
import type { RequestKey } from "./requests.ts";

/** A follower that this process is the one to tell. */
export interface Follower {
  readonly connectionId: string;
  /** Present when other processes have written or told since: what came after this seq has to be read from the log. */
  readonly after?: number;
}

export interface Subscriptions {
  /** True when it was not there before; adding twice is adding once. This process tells the connection from now on. */
  add(connectionId: string, key: RequestKey): Promise<boolean>;
  remove(connectionId: string, key: RequestKey): Promise<void>;
  has(connectionId: string, key: RequestKey): Promise<boolean>;
  /** Whether any connection follows it, whoever tells that. */
  isFollowed(key: RequestKey): Promise<boolean>;
  /** Followers that are this process's to tell. Those another process tells are left to it: it will find what is new. */
  of(key: RequestKey): Promise<readonly Follower[]>;
  /** Leaves a follower that was told everything up to `seq` to other processes. False: there is more, tell that first. */
  handOver(connectionId: string, key: RequestKey, seq: number): Promise<boolean>;
  /** How many requests a connection follows. */
  countOf(connectionId: string): Promise<number>;
  /** Forgets who followed a request that has ended, and answers whom: nothing more will be sent. */
  dropRequest(key: RequestKey): Promise<readonly string[]>;
  /** Forgets everything a closed connection followed. */
  dropConnection(connectionId: string): Promise<void>;
}
