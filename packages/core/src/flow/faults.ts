/**
 * What went wrong, in the log. Faults get an id and are told by it: see rules/fault.ts. What a handler's author threw is
 * told as it is, and logged with the stack, which nobody else is shown.
 */
import type { WireError } from "@streamer/protocol";
import { asError, isStreamerError, type StreamerError } from "../errors.ts";
import type { Log, LogFields } from "../ports/log.ts";
import { asFault, isForUser } from "../rules/fault.ts";
import type { Decision, Ending } from "../rules/outcome.ts";
import { refusalOf } from "../rules/refusal.ts";
import { createStacks, type StacksParts } from "./stacks.ts";

export interface Faults {
  /** What the sender of a message is told of an error that its answer met. */
  refusal(error: unknown, requestId: string): WireError;
  /** What a handler threw: itself where its author wrote it, else what is told of a fault. */
  ofHandler(error: unknown, requestId: string, about: AboutRun): unknown;
  /** Logs that a run has failed, unless that was a fault: those are lines of their own. */
  failed(ending: Ending, decision: Decision, run: AboutRun & { readonly requestId: string }): void;
  /** What is told of an error of which nothing may be told. */
  fault(error: unknown, requestId: string, text: string): StreamerError;
}

interface AboutRun {
  readonly action: string;
  readonly attempt: number;
}

export interface FaultsParts extends StacksParts {
  readonly log: Pick<Log, "error" | "warn">;
  /** In [0, 1). */
  readonly random: () => number;
}

/** One in so many: enough to find one line of a log by. */
const IDS = 2 ** 48;

export function createFaults({ log, clock, random }: FaultsParts): Faults {
  const stacks = createStacks({ log, clock });
  /** The same error may be told to several: it is one line of the log. */
  const told = new WeakMap<object, StreamerError>();

  function note(error: unknown, requestId: string, { about, text }: { readonly about: LogFields; readonly text: string }): StreamerError {
    const known = typeof error === "object" && error !== null ? told.get(error) : undefined;
    if (known) return known;
    const id = Math.floor(random() * IDS).toString(36);
    const fault = asFault(error, id, requestId);
    if (typeof error === "object" && error !== null) told.set(error, fault);
    log.error({ request_id: requestId, error_id: id, err: asError(error), ...about }, text);
    return fault;
  }

  return {
    refusal: (error, requestId) =>
      refusalOf(
        isStreamerError(error) && isForUser(error) ? error : note(error, requestId, { about: {}, text: "a message could not be answered" }),
      ),
    ofHandler: (thrown, requestId, about) => {
      // Anything can be thrown, a revoked proxy too: from here on it is an Error that can be asked what it is.
      const error = asError(thrown);
      return isForUser(error)
        ? thrown
        : note(error, requestId, {
            about: { ...about, err: stacks.of(about.action, error) ?? new Error(error.message) },
            text: "a handler failed by a fault; its user is told the error_id alone",
          });
    },
    failed: (ending, decision, { requestId, action, attempt }) => {
      const what = whatFollows(decision);
      if (what === undefined) return;
      const fields = { request_id: requestId, action, attempt, ...what.fields };
      if (ending.kind !== "threw") return log.warn({ ...fields, reason: what.reason }, what.text);
      if (!isForUser(asError(ending.error))) return;
      const err = stacks.of(action, ending.error);
      if (err) log.warn({ ...fields, err }, what.text);
    },
    fault: (error, requestId, text) => note(error, requestId, { about: {}, text }),
  };
}

interface Following {
  readonly text: string;
  readonly fields: LogFields;
  readonly reason?: string;
}

/** Undefined of what is no failure. */
function whatFollows(decision: Decision): Following | undefined {
  switch (decision.kind) {
    case "retry":
      return {
        text: "a handler failed; it is tried again",
        fields: { retry_in_ms: Math.round(decision.afterMs) },
        reason: decision.error.message,
      };
    case "fail":
      return { text: "a handler failed; its request has failed", fields: { code: decision.error.code }, reason: decision.error.message };
    case "release":
      return decision.crashed ? { text: "the process of a handler died; its request runs again", fields: {} } : undefined;
    case "complete":
    case "wait":
    case "cancel":
    case "drop":
      return undefined;
  }
}
