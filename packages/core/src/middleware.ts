/**
 * Middleware around handlers. `admit` runs before anything is accepted and may refuse by throwing a StreamerError;
 * `run` wraps each run of a handler, sync or async, inline or isolated. The first in the list is the outermost.
 */
import type { WireIssue } from "@streamer/protocol";
import { asError, StreamerError } from "./errors.ts";
import type { AnyHandler, HandlerContext } from "./handler.ts";
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
  readonly name: string;
  readonly admit?: (admission: Admission) => void | Promise<void>;
  readonly run?: (invocation: Invocation, next: () => Promise<unknown>) => Promise<unknown>;
}

/** Refuses users whose token lacks a permission the handler asks for. Always on: createStreamer puts it first. */
export const permissions: Middleware = {
  name: "permissions",
  admit: ({ handler, connection }) => {
    const missing = (handler.permissions ?? []).filter((permission) => !connection.permissions.includes(permission));
    if (missing.length === 0) return;
    const issues: WireIssue[] = missing.map((permission) => ({ path: ["permissions"], message: permission }));
    throw new StreamerError(
      "FORBIDDEN",
      `Action "${handler.action}" needs permission ${missing.join(", ")}; ask for a token that carries it.`,
      {
        details: { issues: issues.map(({ path, message }) => ({ path, message })) },
      },
    );
  },
};

/** Logs the start and the end of each run with its request id, attempt and duration; never the payload. */
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
      log.warn({ run_ms: Math.round(performance.now() - started), err: asError(error) }, "run failed");
      throw error;
    }
  },
};

/** Runs `innermost` inside every `run` of the list. */
export function wrapRun(middleware: readonly Middleware[], invocation: Invocation, innermost: () => Promise<unknown>): Promise<unknown> {
  const next = middleware.reduceRight<() => Promise<unknown>>((inner, { run }) => (run ? () => run(invocation, inner) : inner), innermost);
  return next();
}
