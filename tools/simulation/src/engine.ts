/**
 * What an engine hands to the simulation: types only. There are two kinds.
 *
 *   SimulatedStore   an engine of one process (embedded, memory): a store that outlives its process, and the ports over it.
 *                    The simulation makes a Deployment of it (one-process.ts), with all that wakes core.
 *   Deployment       an engine of several processes over one store (AWS): it starts, wakes and ends them itself.
 *
 * Nothing in either reads real time, draws real chance or waits for real input and output: time is `Process.clock`, chance
 * is `Process.random`. What is in flight must end within microtasks and `setImmediate` once the world stops acting.
 */
import type { AnyHandler, Clock, Engine, Health, Log, Owner, PartialOptions, RequestKey } from "@streamer/core";
import type { RequestStatus } from "@streamer/protocol";

/** One process of the simulated world: where what runs in it gets its time and chance from, until it dies. */
export interface Process {
  readonly name: string;
  /** Its timers never ring once it is dead, and late while it is paused. Its wall clock may jump, alone. */
  readonly clock: Clock;
  readonly random: () => number;
  readonly makeId: () => string;
  readonly log: Log;
  readonly isAlive: boolean;
  /** Ends it without a word: no timer, call or callback of it comes back. The world does so at any moment. */
  die(): void;
  /** Calls `action` at its turn if the process lives then, later if it is paused: what reaches it from outside. */
  enter(action: () => void): void;
  /**
   * A call to what is outside of the process: `work` is done there at some later moment, its answer comes back at a later
   * one still. By the plan of the run the call is refused, or the process dies before, during or after it. Answers about one
   * `key` come in the order the calls were made there.
   */
  call<T>(verb: string, work: () => T | Promise<T>, key?: string): Promise<T>;
}

/** What the simulated world gives a deployment. */
export interface World {
  /** The handlers as they run in one process: they wait by its clock. */
  handlersOf(process: Process): readonly AnyHandler[];
  readonly options: PartialOptions;
  readonly channel: { readonly softBufferBytes: number; readonly hardBufferBytes: number };
  /** Starts a process; its death and pauses are the world's to decide. `onDeath` is called at once when it dies. */
  spawn(name: string, onDeath: () => void): Process;
  /** Time of what is in no process: queues, the network, the provider. */
  readonly clock: Clock;
  /** Chance of its own for each name: what one draws moves no other. */
  random(name: string): () => number;
  /** Something was written about the request: the invariants look at it. To be called at once, before anyone is answered. */
  touched(key: RequestKey): void;
  /** A promise is broken, as the deployment itself sees it. */
  broken(promise: string, what: string): void;
  /** A line of the story that a seed tells. */
  tell(who: string, what: string): void;
}

/** The server's end of one connection, whose token was verified. */
export interface ServerSocket {
  readonly connectionId: string;
  readonly owner: Owner;
  readonly permissions: readonly string[];
  /** Epoch ms at which its token expires. */
  readonly expiresAt?: number;
  /** Bytes handed over that the client has not read. */
  readonly bufferedBytes: number;
  send(text: string): void;
  cork(): void;
  uncork(): void;
  close(code: number, reason: string): void;
  /** It is lost without a close frame, as when its process dies. */
  cut(): void;
}

/** One stored request, as the store itself sees it. */
export interface StoredRequest {
  readonly key: RequestKey;
  readonly requestId: string;
  readonly owner: Owner;
  readonly action: string;
  readonly idempotencyKey?: string | undefined;
  readonly status: RequestStatus;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly failures: number;
  readonly crashes: number;
  readonly cancelRequested: boolean;
  /** The newest seq given out. */
  readonly seq: number;
  readonly createdAt: number;
  readonly runAt: number;
  readonly endedAt?: number | undefined;
  readonly expiresAt?: number | undefined;
  /** The texts of all durable events, and of the newest progress, in the order of their seq. */
  readonly events: readonly { readonly seq: number; readonly text: string }[];
}

/** What is in a store, for invariants. Reading it changes nothing and takes no simulated time. */
export interface Contents {
  read(key: RequestKey): StoredRequest | undefined;
  all(): readonly StoredRequest[];
  /** Keys of blobs that are stored. */
  blobs(): readonly string[];
  /** What is broken inside: indexes, counts, mirrors that disagree with what is stored. Empty when nothing is. */
  check(): readonly string[];
}

export interface BootParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly onRunnable: (key?: RequestKey) => void;
  readonly channel: World["channel"];
}

/** An engine of a process that lives, and what the entry points of its server need besides. */
export interface BootedEngine {
  readonly engine: Engine;
  attach(connectionId: string, socket: ServerSocket): void;
  drained(connectionId: string): void;
  detach(connectionId: string): void;
  /** What a process that has nothing to do still holds: subscriptions, connections, answers that run. Empty when nothing. */
  leaks(): readonly string[];
  /** A graceful end: what waits for its commit is committed. */
  close(): void;
}

export interface SimulatedStore extends Contents {
  /** Opens the store for a new process. The leases of the one before have ended. */
  boot(parts: BootParts): Promise<BootedEngine>;
  /** Its process died without a word: what is not on stable storage is gone. */
  die(): void;
  dispose(): void;
}

export interface Deployment extends Contents {
  /** `api-gateway`: what docs/protocol.md §11 says of it holds (welcome after the first frame, events again with their seq). */
  readonly transport: "socket" | "api-gateway";
  /**
   * Starts serving. Called once: after a death or a stop it starts what it needs again by itself, a while later, and cuts
   * the sockets that a dead process held.
   */
  start(): void;
  /** Processes that live now, and may be killed or paused by the world. */
  readonly processes: readonly Process[];
  /** Stops gracefully (P13) and starts anew, as for a new version. */
  renew(graceMs: number): void;
  connect(socket: ServerSocket): void;
  receive(connectionId: string, text: string): void;
  /** The client's end is gone, or has closed. */
  disconnect(connectionId: string): void;
  /** The client has read what was buffered. */
  drained(connectionId: string): void;
  /** What the flow of the living process says of its runs, where one process runs them all. */
  running(): Health | undefined;
  /** Handlers' runs, subscriptions, timers, slots that are left when nothing is to be done. Empty when none is. */
  leaks(): readonly string[];
  dispose(): void;
}

export type CreateStore = () => SimulatedStore;
export type CreateDeployment = (world: World) => Deployment;
