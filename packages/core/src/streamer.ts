/**
 * createStreamer joins the stages into one flow over an engine: the only file that knows every stage.
 */
import type { AnyHandler } from "./handler.ts";
import type { Middleware } from "./middleware.ts";
import type { PartialOptions } from "./options.ts";
import type { Connection } from "./ports/connections.ts";
import type { Engine } from "./ports/engine.ts";
import type { RequestKey } from "./ports/requests.ts";

export interface StreamerParts {
  readonly handlers: readonly AnyHandler[];
  readonly engine: Engine;
  readonly options?: PartialOptions;
  readonly middleware?: readonly Middleware[];
  /** Told when a run ends and its slot is free: the moment to call `work` again. */
  readonly onSlotFree?: () => void;
}

/** What an engine's entry points call. No method ever rejects because of what a client or a handler did. */
export interface Streamer {
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  /** A connection has opened and its token is verified: registers it and greets it with `welcome`. */
  connect(connection: Connection): Promise<void>;
  /** One frame from a connection. Resolves when it has been answered. */
  receive(connectionId: string, data: string | Uint8Array): Promise<void>;
  disconnect(connectionId: string): Promise<void>;
  /** Claims what fits the free slots (or `key` alone) and starts running it. */
  work(key?: RequestKey): Promise<{ readonly claimed: number; /** When those runs have ended. */ readonly ended: Promise<void> }>;
  /** Takes back requests whose process died; call at start and every few seconds. */
  recover(): Promise<void>;
  /** Forgets what is past retention, blobs too; call every few minutes. Answers how many. */
  purge(): Promise<number>;
  /** Runs in progress, sync and async. */
  readonly running: number;
  /** Refuses new work, lets runs finish for `graceMs`, then hands the rest back to the queue (P13). */
  stop(graceMs: number): Promise<void>;
}

export function createStreamer(parts: StreamerParts): Streamer {
  throw new Error(`not yet: ${parts.handlers.length}`);
}
