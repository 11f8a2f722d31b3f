/**
 * Middleware around handlers. `admit` runs before a run is accepted, a new one or one that is retried by hand, and may refuse by throwing; `run` wraps each run
 * of a handler, sync or async, inline or isolated. The first in the list is the outermost.
 */
import { describeError, isFatal, isRetryAfter, isStreamerError, restoreError, StreamerError } from "./errors.ts";
import type { AnyHandler, HandlerContext } from "./handler.ts";
import type { Awaitable } from "./ports/awaitable.ts";
import type { Connection } from "./ports/connections.ts";

export interface Admission {
  readonly handler: AnyHandler;
  readonly requestId: string;
  /** The validated input. */
  readonly input: unknown;
  readonly connection: Connection;
}

export interface Invocation {
  readonly handler: AnyHandler;
  readonly input: unknown;
  readonly ctx: HandlerContext;
}

export interface Middleware {
  /** Names it in logs and errors. */
  readonly name: string;
  /**
   * Refuses a request by throwing: a StreamerError or a Fatal with its code, a RetryAfter as RATE_LIMITED with its time.
   * Anything else is a fault of the middleware: it is logged, and the client told INTERNAL_ERROR.
   */
  readonly admit?: (admission: Admission) => void | Promise<void>;
  /** Runs around a handler. What it returns is the result; `next` runs what is inside it, once at most. */
  readonly run?: (invocation: Invocation, next: () => Promise<unknown>) => Promise<unknown>;
}

/** Logs the start and the end of each run with its request id, attempt and duration; never the payload. Why one failed is logged without it. */
export const logging: Middleware = {
  name: "logging",
  run: async ({ ctx }, next) => {
    const started = performance.now();
    const { log } = ctx;
    log.debug({}, "run started");
    try {
      const result = await next();
      log.info({ run_ms: Math.round(performance.now() - started) }, "run finished");
      return result;
    } catch (error) {
      log.info({ run_ms: Math.round(performance.now() - started) }, "run failed");
      throw error;
    }
  },
};

/** Refuses what is no middleware, by name, where it is registered. */
export function checkMiddleware(list: readonly Middleware[]): readonly Middleware[] {
  for (const [at, middleware] of list.entries()) {
    const { name, admit, run } = (middleware ?? {}) as Partial<Readonly<Record<keyof Middleware, unknown>>>;
    if (typeof name !== "string" || name === "") throw new TypeError(`Middleware ${at + 1} of the list needs a \`name\`.`);
    for (const [member, value] of Object.entries({ admit, run })) {
      if (value !== undefined && typeof value !== "function")
        throw new TypeError(`Middleware "${name}": \`${member}\` must be a function.`);
    }
  }
  return list;
}

/** What asks each middleware of the list in turn; it rejects with a StreamerError where one of them refuses. */
export function createAdmit(list: readonly Middleware[]): (admission: Admission) => Awaitable<void> {
  const asking = list.flatMap(({ name, admit }) => (admit ? [{ name, admit }] : []));
  if (asking.length === 0) return () => {};
  return async (admission) => {
    for (const { name, admit } of asking) {
      try {
        const asked = admit(admission);
        // Most answer at once: a turn of the loop's queue for each request and middleware would be noticed.
        if (asked !== undefined) await asked;
      } catch (thrown) {
        throw refusalOf(thrown, name);
      }
    }
  };
}

function refusalOf(thrown: unknown, name: string): Error {
  // Made anew: what it is, is what can be read of it, and its code is one of the table's.
  const error = restoreError(describeError(thrown));
  if (isStreamerError(error)) return error;
  if (isFatal(error)) {
    return new StreamerError(error.code, error.message, { cause: error, ...(error.details && { details: error.details }) });
  }
  if (isRetryAfter(error)) {
    return new StreamerError("RATE_LIMITED", error.message, {
      cause: error,
      ...(error.afterMs !== undefined && { afterMs: error.afterMs }),
    });
  }
  return new Error(`Middleware "${name}" failed to admit a request: ${error.message}`, { cause: error });
}

/** Runs `innermost` inside every `run` of the list. */
export function wrapRun(middleware: readonly Middleware[], invocation: Invocation, innermost: () => Promise<unknown>): Promise<unknown> {
  const outermost = middleware.reduceRight<() => Promise<unknown>>(
    // async: what a wrapper throws before its first await is a rejection like any other.
    (inner, { name, run }) => (run ? async () => run(invocation, onlyOnce(name, inner)) : inner),
    innermost,
  );
  return outermost();
}

/** A handler that ran twice in one attempt would do everything twice, under one lease. */
function onlyOnce(name: string, inner: () => Promise<unknown>): () => Promise<unknown> {
  let isCalled = false;
  return async () => {
    if (isCalled) throw new TypeError(`Middleware "${name}" called next() again; a run is one run: throw to have it tried again.`);
    isCalled = true;
    return inner();
  };
}
