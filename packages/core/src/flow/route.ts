/**
 * A request message to its answer: admitted (access.ts), then answered at once when it is
 * short, submitted when it is not. Refusals are thrown as StreamerErrors: receive turns them into the answer.
 */
import { andThen } from "../awaitable.ts";
import type { ClientMessage } from "@streamer/protocol";
import { StreamerError } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { StreamerOptions } from "../options.ts";
import type { Awaitable } from "../ports/awaitable.ts";
import type { Connection } from "../ports/connections.ts";
import type { Log } from "../ports/log.ts";
import type { RequestKey } from "../ports/requests.ts";
import { declaredMs } from "../rules/estimates.ts";
import { sizeClass } from "../rules/input-size.ts";
import type { RunKind } from "../rules/run-series.ts";
import type { AcceptedRequest } from "./accepted.ts";
import type { Access, Admitted } from "./access.ts";
import type { Estimates } from "./learn.ts";
import type { Answering } from "./runs/at-once.ts";
import type { Runs } from "./runs/runs.ts";
import type { Submit } from "./submit.ts";

export interface RouteParts {
  readonly access: Pick<Access, "enter" | "admit">;
  readonly options: Pick<StreamerOptions, "syncThresholdMs">;
  readonly log: Log;
  readonly estimates: Pick<Estimates, "of" | "known">;
  readonly runs: Pick<Runs, "answer">;
  readonly submit: Pick<Submit, "submit">;
}

interface About {
  readonly requestId: string;
  readonly key: RequestKey;
  readonly connection: Connection;
  /** Called once what there is under the request's id can be found. */
  readonly onKnown: () => void;
}

export type Route = ReturnType<typeof createRoute>;

export function createRoute({ access, options, log, estimates, runs, submit }: RouteParts) {
  /**
   * At once only when nothing says that it is long: what is declared as long stays queued however quick it is, because its
   * author wants it durable, and what is declared as short is queued while runs show otherwise.
   */
  function isShort({ estimate }: AnyHandler, kind: RunKind): Awaitable<boolean> {
    if (estimate === undefined) return estimates.of(kind).then((told) => (told?.p90Ms ?? Infinity) <= options.syncThresholdMs);
    return Math.max(kind.declaredMs ?? Infinity, estimates.known(kind)?.p90Ms ?? 0) <= options.syncThresholdMs;
  }

  const onProblem = (action: string) => (problem: Error) =>
    log.warn({ action, err: problem }, "an estimate function failed; the request is queued");

  function accept(message: ClientMessage<"request">, about: About): Awaitable<AcceptedRequest> {
    const { action, payload = {}, options: asked = {} } = message;
    const { requestId, connection } = about;
    const handler = access.enter(action, connection);
    // Before a handler, or its schema, could change it.
    const payloadText = JSON.stringify(payload);
    const size = sizeClass(payload);
    return andThen(access.admit({ handler, requestId, connection, payload, options: asked }), ({ input, terms }: Admitted) => ({
      connection,
      key: about.key,
      requestId,
      handler,
      input,
      payload,
      payloadText,
      metadata: message.metadata ?? {},
      options: asked,
      terms,
      kind: { action, size, declaredMs: declaredMs(handler, input, onProblem(action)) },
      onKnown: about.onKnown,
    }));
  }

  const answered = (request: AcceptedRequest, isAtOnce: boolean): Awaitable<void> =>
    andThen(isAtOnce ? runs.answer(request) : LEFT_TO_THE_QUEUE, (answering) =>
      answering.outcome === "queue" ? submit.submit(request, answering.isHeld) : undefined,
    );

  return {
    /** Done within this turn when it is answered at once, and nothing about it has to be waited for. */
    route: (message: ClientMessage<"request">, about: About): Awaitable<void> =>
      andThen(accept(message, about), (request) =>
        andThen(modeOf(request) ?? isShort(request.handler, request.kind), (isAtOnce) => answered(request, isAtOnce)),
      ),
  };
}

const LEFT_TO_THE_QUEUE: Answering = { outcome: "queue", isHeld: false };

/** Whether it is answered at once, as far as the request itself says: undefined leaves it to how long it takes. */
function modeOf({ handler, options }: AcceptedRequest): boolean | undefined {
  // What can only be kept by a durable request: a later start, an idempotency key, its own process, and limits
  // that are counted over all processes.
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
  if (options.mode === "async" || needsQueue || handler.isolate !== undefined || handler.concurrency) return false;
  return options.mode === "sync" ? true : undefined;
}
