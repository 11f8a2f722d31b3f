/** Faults are logged with an id, and told by it: see rules/fault.ts. */
import type { WireError } from "@streamer/protocol";
import { asError, isStreamerError, type StreamerError } from "../errors.ts";
import type { Log, LogFields } from "../ports/log.ts";
import { asFault, isForUser } from "../rules/fault.ts";
import { refusalOf } from "../rules/refusal.ts";

export interface Faults {
  /** What the sender of a message is told of an error that its answer met. */
  refusal(error: unknown, requestId: string): WireError;
  /** What a handler threw: itself where its author wrote it, else what is told of a fault. */
  ofHandler(error: unknown, requestId: string, about: LogFields): unknown;
  /** What is told of an error of which nothing may be told. */
  fault(error: unknown, requestId: string, text: string): StreamerError;
}

export interface FaultsParts {
  readonly log: Pick<Log, "error">;
  /** In [0, 1). */
  readonly random: () => number;
}

/** One in so many: enough to find one line of a log by. */
const IDS = 2 ** 48;

export function createFaults({ log, random }: FaultsParts): Faults {
  /** The same error may be told to several: it is one line of the log. */
  const told = new WeakMap<object, StreamerError>();

  function note(error: unknown, requestId: string, { about, text }: { readonly about: LogFields; readonly text: string }): StreamerError {
    const known = typeof error === "object" && error !== null ? told.get(error) : undefined;
    if (known) return known;
    const id = Math.floor(random() * IDS).toString(36);
    const fault = asFault(error, id, requestId);
    if (typeof error === "object" && error !== null) told.set(error, fault);
    log.error({ request_id: requestId, error_id: id, ...about, err: asError(error) }, text);
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
        : note(error, requestId, { about, text: "a handler failed by a fault; its user is told the error_id alone" });
    },
    fault: (error, requestId, text) => note(error, requestId, { about: {}, text }),
  };
}
