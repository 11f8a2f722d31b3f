/**
 * The `response` to a request that was answered at once: to everyone who asked for its id, on whatever connection and by
 * whatever process, and remembered for those who ask again (ports/answers.ts).
 */
import { andThen, orElse } from "../../awaitable.ts";
import { printMessage, wireError, type JsonValue, type ServerMessage, type WireError } from "@streamer/protocol";
import { asError, Fatal } from "../../errors.ts";
import { leastJsonLength } from "../../json-length.ts";
import type { Awaitable } from "../../ports/awaitable.ts";
import type { Engine } from "../../ports/engine.ts";
import type { AnswerEnd } from "../../ports/answers.ts";
import { cancelledError, describeFailure, type Decision } from "../../rules/outcome.ts";
import { tooLong } from "../../rules/progress.ts";
import type { AcceptedRequest } from "../accepted.ts";
import type { Deliver } from "../deliver/deliver.ts";

export interface AnswerParts {
  readonly engine: Pick<Engine, "answers" | "clock" | "log">;
  readonly deliver: Pick<Deliver, "answerText">;
  /** Longest result, in characters of JSON. */
  readonly valueLength: number;
}

/** Never rejects. */
export type Answer = (request: AcceptedRequest, decision: Decision, runMs: number) => Awaitable<void>;

export function createAnswer({ engine, deliver, valueLength }: AnswerParts): Answer {
  const { answers, clock, log } = engine;

  function print(requestId: string, outcome: { readonly data?: JsonValue } | { readonly error: WireError }, runMs: number): string {
    const about = { type: "response", request_id: requestId, timestamp: Math.round(clock.now()) } as const;
    const metadata = { processing_ms: Math.round(runMs * 1_000) / 1_000 };
    const message: ServerMessage<"response"> =
      "error" in outcome ? { ...about, success: false, ...outcome, metadata } : { ...about, success: true, ...outcome, metadata };
    return printMessage(message);
  }

  function textOf(requestId: string, decision: Decision, runMs: number): string {
    if (decision.kind !== "complete") return print(requestId, { error: errorOf(requestId, decision) }, runMs);
    try {
      // Printing what is far too long could take all memory there is.
      const least = leastJsonLength(decision.result, valueLength);
      if (least > valueLength) throw new Fatal(tooLong("Result", `at least ${least}`, valueLength));
      const text = print(requestId, decision.result === undefined ? {} : { data: decision.result as JsonValue }, runMs);
      if (text.length <= valueLength) return text;
      // What is around the result is part of the text: only now is it worth measuring by itself.
      const { length } = JSON.stringify(decision.result);
      if (length <= valueLength) return text;
      throw new Fatal(tooLong("Result", length, valueLength));
    } catch (error) {
      const problem = error instanceof Fatal ? error : new Fatal(`Result is not JSON: ${asError(error).message}`);
      return print(requestId, { error: describeFailure(problem) }, runMs);
    }
  }

  function askers({ key, requestId, connection }: AcceptedRequest, end: AnswerEnd): Awaitable<readonly string[]> {
    const unremembered = (error: unknown): readonly string[] => {
      log.error({ request_id: requestId, err: asError(error) }, "an answer could not be remembered; only who asked first is told");
      return [connection.connectionId];
    };
    return orElse(() => answers.end(key, end), unremembered);
  }

  const send = (requestId: string, connectionId: string, text: string): Awaitable<void> =>
    orElse(
      () => deliver.answerText(connectionId, text),
      (error) => log.warn({ request_id: requestId, connection_id: connectionId, err: asError(error) }, "an answer could not be sent"),
    );

  return (request, decision, runMs) => {
    const text = textOf(request.requestId, decision, runMs);
    return andThen(askers(request, { kind: "answered", text }), (told) => {
      const [only] = told;
      if (only !== undefined && told.length === 1) return send(request.requestId, only, text);
      return Promise.all(told.map(async (connectionId) => send(request.requestId, connectionId, text))).then(() => undefined);
    });
  };
}

function errorOf(requestId: string, decision: Exclude<Decision, { readonly kind: "complete" }>): WireError {
  switch (decision.kind) {
    case "fail":
    case "retry":
      return decision.error;
    case "cancel":
      return cancelledError;
    case "wait":
    case "release":
    case "drop":
      return wireError("SERVICE_UNAVAILABLE", `The server stopped before "${requestId}" was done; send it again.`);
  }
}
