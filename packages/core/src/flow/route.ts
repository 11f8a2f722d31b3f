/**
 * A request message to its answer: known action, valid payload, admitted by middleware; then run now when it is short,
 * submitted when it is not. Refusals are thrown as StreamerErrors: receive turns them into the answer.
 */
import type { ClientMessage } from "@streamer/protocol";
import { StreamerError } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { Middleware } from "../middleware.ts";
import type { StreamerOptions } from "../options.ts";
import type { Connection } from "../ports/connections.ts";
import type { Log } from "../ports/log.ts";
import type { Quantiles } from "../rules/durations.ts";
import { declaredMs } from "../rules/estimates.ts";
import { requestKey } from "../rules/identity.ts";
import { sizeClass } from "../rules/input-size.ts";
import type { RunKind } from "../rules/run-series.ts";
import { describeIssues, validate } from "../rules/validation.ts";
import type { AcceptedRequest } from "./accepted.ts";

export interface RouteParts {
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  readonly middleware: readonly Middleware[];
  readonly options: StreamerOptions;
  readonly log: Log;
  /** What runs like it took: read from the store if need be, or as far as it is known. */
  readonly recorded: {
    of(kind: RunKind): Promise<Quantiles | undefined>;
    known(kind: RunKind): Quantiles | undefined;
  };
  readonly runNow: (request: AcceptedRequest) => Promise<"answered" | "durable">;
  readonly submit: (request: AcceptedRequest) => Promise<void>;
}

export type Route = (message: ClientMessage<"request">, requestId: string, connection: Connection, bytes: number) => Promise<void>;

export function createRoute({ handlers, middleware, options, log, recorded, runNow, submit }: RouteParts): Route {
  const admissions = middleware.flatMap(({ admit }) => admit ?? []);

  /**
   * At once only when nothing says that it is long: what is declared as long stays queued however quick it is, because its
   * author wants it durable, and what is declared as short is queued while runs show otherwise.
   */
  async function isShort({ estimate }: AnyHandler, kind: RunKind): Promise<boolean> {
    if (estimate === undefined) return ((await recorded.of(kind))?.p90Ms ?? Infinity) <= options.syncThresholdMs;
    return Math.max(kind.declaredMs ?? Infinity, recorded.known(kind)?.p90Ms ?? 0) <= options.syncThresholdMs;
  }

  return async (message, requestId, connection, bytes) => {
    const { action, payload = {}, metadata = {}, options: wanted = {} } = message;
    const handler = handlers.get(action);
    if (!handler)
      throw new StreamerError(
        "INVALID_ACTION",
        `There is no action "${action}"; known actions are ${Array.from(handlers.keys()).join(", ")}.`,
      );
    const validated = await validate(handler.input, payload);
    if (!validated.ok) {
      const { message: problem, details } = describeIssues(action, validated.issues);
      throw new StreamerError("VALIDATION_ERROR", problem, { details });
    }
    const { input } = validated;
    for (const admit of admissions) await admit({ handler, requestId, input, connection });
    const declared = declaredMs(handler, input, (problem) =>
      log.warn({ action, err: problem }, "an estimate function failed; the request is queued"),
    );
    const size = sizeClass(payload);
    const request: AcceptedRequest = {
      connection,
      key: requestKey(connection.owner, requestId),
      requestId,
      handler,
      input,
      payload,
      metadata,
      options: wanted,
      size,
      declaredMs: declared,
      bytes,
    };
    const runsNow = modeOf(request) ?? (await isShort(handler, { action, size, declaredMs: declared }));
    if (!runsNow || (await runNow(request)) === "durable") await submit(request);
  };
}

/** Whether it runs now, as far as the request itself says: undefined leaves it to how long it takes. */
function modeOf({ handler, options }: AcceptedRequest): boolean | undefined {
  // What can only be kept by a durable request: a later start, an idempotency key, attempts, its own process.
  const needsQueue = options.delay_ms !== undefined || options.run_at !== undefined || options.idempotency_key !== undefined;
  if (options.mode === "sync" && needsQueue) {
    throw new StreamerError(
      "VALIDATION_ERROR",
      'mode "sync" cannot be combined with delay_ms, run_at or idempotency_key; leave the mode out.',
      {
        details: { issues: [{ path: ["options", "mode"], message: "not with delay_ms, run_at or idempotency_key" }] },
      },
    );
  }
  if (options.mode === "async" || needsQueue || handler.isolate !== undefined) return false;
  if (options.mode === "sync") return true;
  return options.max_attempts === undefined ? undefined : false;
}
