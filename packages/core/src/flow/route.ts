/**
 * A request message to its answer: admitted (access.ts), then answered at once when it is
 * short, submitted when it is not. Refusals are thrown as StreamerErrors: receive turns them into the answer.
 */
import type { ClientMessage } from "@streamer/protocol";
import { StreamerError } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { StreamerOptions } from "../options.ts";
import type { Connection } from "../ports/connections.ts";
import type { Log } from "../ports/log.ts";
import { declaredMs } from "../rules/estimates.ts";
import { requestKey } from "../rules/identity.ts";
import { sizeClass } from "../rules/input-size.ts";
import type { RunKind } from "../rules/run-series.ts";
import type { AcceptedRequest } from "./accepted.ts";
import type { Access } from "./access.ts";
import type { Estimates } from "./learn.ts";
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
  async function isShort({ estimate }: AnyHandler, kind: RunKind): Promise<boolean> {
    if (estimate === undefined) return ((await estimates.of(kind))?.p90Ms ?? Infinity) <= options.syncThresholdMs;
    return Math.max(kind.declaredMs ?? Infinity, estimates.known(kind)?.p90Ms ?? 0) <= options.syncThresholdMs;
  }

  async function accept(
    { action, payload = {}, metadata = {}, options: asked = {} }: ClientMessage<"request">,
    { requestId, connection, onKnown }: About,
  ): Promise<AcceptedRequest> {
    const handler = access.enter(action, connection);
    const payloadText = JSON.stringify(payload);
    const { input, terms } = await access.admit({ handler, requestId, connection, payload, options: asked });
    const declared = declaredMs(handler, input, (problem) =>
      log.warn({ action, err: problem }, "an estimate function failed; the request is queued"),
    );
    const kind = { action, size: sizeClass(payload), declaredMs: declared };
    const key = requestKey(connection.owner, requestId);
    return { connection, key, requestId, handler, input, payload, payloadText, metadata, options: asked, terms, kind, onKnown };
  }

  return {
    async route(message: ClientMessage<"request">, about: About): Promise<void> {
      const request = await accept(message, about);
      const isAtOnce = modeOf(request) ?? (await isShort(request.handler, request.kind));
      const answering = isAtOnce ? await runs.answer(request) : LEFT_TO_THE_QUEUE;
      if (answering.outcome === "queue") await submit.submit(request, answering.isHeld);
    },
  };
}

const LEFT_TO_THE_QUEUE = { outcome: "queue", isHeld: false } as const;

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
