/** Runs handlers apart from the process that holds the sockets. Optional: without it every handler runs inline. */
import type { HandlerContext } from "../handler.ts";

export interface IsolatedRun {
  /** `handler.isolate`: URL of the module that exports the handler. */
  readonly module: string;
  readonly action: string;
  /** `handler.network`. Default true. */
  readonly network?: boolean;
  readonly input: unknown;
  readonly ctx: HandlerContext;
}

export interface Isolation {
  /** How many isolated runs this process takes at once. */
  readonly slots: number;
  /**
   * The handler's result. Rejects with what the handler threw, or with a `WorkerDied` when its process ended without
   * an answer. When `ctx.signal` aborts the handler is told; one that does not stop within the grace is killed.
   */
  run(run: IsolatedRun): Promise<unknown>;
}
