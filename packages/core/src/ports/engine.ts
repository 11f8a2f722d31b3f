import type { RunningRequest } from "../handler.ts";
import type { Answers } from "./answers.ts";
import type { Blobs } from "./blobs.ts";
import type { Channel } from "./channel.ts";
import type { Clock } from "./clock.ts";
import type { Connections } from "./connections.ts";
import type { Events } from "./events.ts";
import type { Isolation } from "./isolation.ts";
import type { Log } from "./log.ts";
import type { Requests } from "./requests.ts";
import type { RunTimes } from "./run-times.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { Wakeups } from "./wakeups.ts";

/** Everything core asks of the world. Each engine hands in one of these. */
export interface Engine {
  /** Names this store; another epoch means nothing can be resumed. */
  readonly epoch: string;
  readonly requests: Requests;
  readonly answers: Answers;
  readonly runTimes: RunTimes;
  readonly events: Events;
  readonly subscriptions: Subscriptions;
  readonly connections: Connections;
  readonly channel: Channel;
  readonly blobs: Blobs;
  readonly wakeups: Wakeups;
  readonly clock: Clock;
  readonly log: Log;
  readonly isolation?: Isolation;
  /**
   * Calls `work`, which runs a handler in this process, and returns its result. From then on the engine knows that whatever
   * `work` begins belongs to `run`, also after an await: an error that nobody caught and a blocked event loop are logged
   * with its action and id. Call it around everything that awaits the handler, not the handler alone.
   */
  around?<Result>(run: Pick<RunningRequest, "id" | "action">, work: () => Result): Result;
  /** SHA-256 (FIPS 180-4) of a text in UTF-8, in base64url. At once: what has no clock cannot be waited for in simulated time. */
  digest(text: string): string;
  /** Creates a private folder for one run, and a function that removes it. */
  scratch(): Promise<{ readonly path: string; remove(): Promise<void> }>;
}
