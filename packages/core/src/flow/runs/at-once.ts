/**
 * Requests that are answered at once. One id is run once at a time, whoever asks for it, and never when it is durable
 * (P4): ports/answers.ts knows what is being answered and what was a while ago, the store knows the rest.
 */
import { andThen, orElse } from "../../awaitable.ts";
import { asError, StreamerError } from "../../errors.ts";
import type { StreamerOptions } from "../../options.ts";
import type { Beginning, Joining } from "../../ports/answers.ts";
import type { Awaitable } from "../../ports/awaitable.ts";
import type { Engine } from "../../ports/engine.ts";
import { fingerprintOf } from "../../rules/fingerprint.ts";
import type { AcceptedRequest } from "../accepted.ts";
import type { Deliver } from "../deliver/deliver.ts";
import type { Estimates } from "../learn.ts";
import type { Registry } from "./registry.ts";
import type { RunOwner } from "./run.ts";
import type { Slots } from "./slots.ts";

/** What a client over its in-flight limit is told to wait. */
const BUSY_AFTER_MS = 100;

export interface AtOnceParts {
  readonly engine: Pick<Engine, "requests" | "answers" | "clock" | "log" | "digest">;
  readonly options: Pick<StreamerOptions, "leaseMs" | "syncThresholdMs" | "admission">;
  readonly deliver: Pick<Deliver, "answerText">;
  readonly slots: Pick<Slots, "take">;
  readonly registry: Pick<Registry, "answer">;
  readonly owner: RunOwner;
  readonly estimates: Pick<Estimates, "begin">;
}

export type Answering =
  | { readonly outcome: "answered" }
  /**
   * It is to be submitted, because it is durable already or because no slot is free. `isHeld`: its id is held as if it ran,
   * so that nobody runs it before it stands in the store; whoever submits it calls `left` then.
   */
  | { readonly outcome: "queue"; readonly isHeld: boolean };

const ANSWERED: Answering = { outcome: "answered" };
const QUEUE: Answering = { outcome: "queue", isHeld: false };
const HELD: Answering = { outcome: "queue", isHeld: true };

export function createAtOnce({ engine, options, deliver, slots, registry, owner, estimates }: AtOnceParts) {
  const { requests, answers, clock, log } = engine;
  /** Requests in flight by connection. */
  const inFlight = new Map<string, number>();

  const asked = ({ handler, payloadText, connection }: AcceptedRequest) => ({
    fingerprint: fingerprintOf(handler.action, payloadText, engine.digest),
    connectionId: connection.connectionId,
  });

  /** True when it is told by what there is, or will be. */
  function isTold(there: Exclude<Joining | Beginning, { outcome: "begun" | "none" }>, request: AcceptedRequest): Awaitable<boolean> {
    switch (there.outcome) {
      case "durable":
        return false;
      case "joined":
        return true;
      case "answered":
        return andThen(deliver.answerText(request.connection.connectionId, there.text), () => true);
      case "conflict":
        throw new StreamerError("DUPLICATE_REQUEST", `The id "${request.requestId}" was just used with another payload; use a new id.`);
    }
  }

  /** Begins the run of a request that has a slot, and answers it; the slot is freed at its end. */
  function run(request: AcceptedRequest): Awaitable<void> {
    const { key, requestId, handler, input, connection, metadata, kind, terms } = request;
    const lived = registry.answer(
      request,
      () => ({
        key,
        handler,
        input: { value: input },
        resumed: undefined,
        begun: estimates.begin(kind),
        accepted: request,
        timeoutMs: terms.timeoutMs,
        request: { id: requestId, action: handler.action, attempt: 1, ...connection.owner, permissions: connection.permissions, metadata },
        phase: { name: "answering", overrunAt: clock.monotonic() + options.syncThresholdMs },
      }),
      owner,
    );
    request.onKnown();
    return lived;
  }

  /** P4: an id that is durable is never run again, whatever its action has become meanwhile. Never rejects. */
  const isRunnable = (request: AcceptedRequest): Awaitable<boolean> =>
    orElse(
      // Not before: what is answered at once holds a slot for no longer than its handler takes.
      () => andThen(requests.has(request.key), (isStored) => !isStored && slots.take(request.handler)),
      (error) => {
        // The submit that follows meets the same store, and answers everyone.
        log.warn({ request_id: request.requestId, err: asError(error) }, "whether a request is durable is not known; it is submitted");
        return false;
      },
    );

  const begun = (request: AcceptedRequest): Awaitable<Answering> =>
    andThen(isRunnable(request), (isFree) => (isFree ? andThen(run(request), () => ANSWERED) : HELD));

  const answerOne = (request: AcceptedRequest): Awaitable<Answering> =>
    andThen(answers.begin(request.key, { ...asked(request), leaseMs: options.leaseMs }), (there) =>
      there.outcome === "begun" ? begun(request) : andThen(isTold(there, request), (told) => (told ? ANSWERED : QUEUE)),
    );

  function enter(connectionId: string): void {
    const count = inFlight.get(connectionId) ?? 0;
    if (count >= options.admission.inFlightPerConnection) {
      throw new StreamerError("RATE_LIMITED", `This connection has ${count} requests in flight, the limit; wait for answers.`, {
        afterMs: BUSY_AFTER_MS,
      });
    }
    inFlight.set(connectionId, count + 1);
  }

  function leave(connectionId: string): void {
    const left = inFlight.get(connectionId)! - 1;
    if (left > 0) inFlight.set(connectionId, left);
    else inFlight.delete(connectionId);
  }

  return {
    /** Runs a request at once and answers it, or leaves it to the run or answer there is. */
    answer(request: AcceptedRequest): Awaitable<Answering> {
      const { connectionId } = request.connection;
      enter(connectionId);
      let answering: Awaitable<Answering> | undefined;
      try {
        answering = answerOne(request);
        return answering instanceof Promise ? answering.finally(() => leave(connectionId)) : answering;
      } finally {
        if (!(answering instanceof Promise)) leave(connectionId);
      }
    },
    /**
     * What was held is left to the store, or to nobody when that has not taken it. Returns the connections that asked for its
     * id meanwhile, and are to be told what has become of it. Never rejects.
     */
    async left({ key, requestId, connection }: AcceptedRequest, kind: "durable" | "forgotten"): Promise<readonly string[]> {
      try {
        const askers = await answers.end(key, { kind });
        return askers.filter((connectionId) => connectionId !== connection.connectionId);
      } catch (error) {
        log.error(
          { request_id: requestId, err: asError(error) },
          "those who asked again for a request that was queued could not be told of it",
        );
        return [];
      }
    },
    /** Leaves a request that is to be queued to a run or answer of its id, if there is one: false when it is to be submitted. */
    async join(request: AcceptedRequest): Promise<boolean> {
      const there = await answers.join(request.key, asked(request));
      return there.outcome !== "none" && isTold(there, request);
    },
  };
}
