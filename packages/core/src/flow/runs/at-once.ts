/**
 * Requests that are answered at once. One id is run once at a time, whoever asks for it, and never when it is durable
 * (P4): ports/answers.ts knows what is being answered and what was a while ago, the store knows the rest.
 */
import { wireError } from "@streamer/protocol";
import { asError, StreamerError } from "../../errors.ts";
import type { StreamerOptions } from "../../options.ts";
import type { Engine } from "../../ports/engine.ts";
import { fingerprintOf } from "../../rules/fingerprint.ts";
import type { AcceptedRequest } from "../accepted.ts";
import type { Deliver } from "../deliver/deliver.ts";
import type { Promotion } from "./promotion.ts";
import type { Slots } from "./slots.ts";

/** What a client over its in-flight limit is told to wait. */
const BUSY_AFTER_MS = 100;

export interface AtOnceParts {
  readonly engine: Pick<Engine, "requests" | "answers" | "clock">;
  readonly options: Pick<StreamerOptions, "leaseMs" | "admission">;
  readonly deliver: Pick<Deliver, "answer" | "answerText">;
  readonly slots: Pick<Slots, "take" | "free">;
  readonly leaveToStore: Promotion["leaveToStore"];
  /** Begins the run of a request that has a slot, and answers it; the slot is freed at its end. */
  readonly run: (request: AcceptedRequest) => Promise<void>;
}

export interface AtOnce {
  /**
   * Runs a request at once and answers it, or leaves it to the run or answer there is. `queue`: it is to be submitted,
   * because it is durable already or because no slot is free.
   */
  answer(request: AcceptedRequest): Promise<"answered" | "queue">;
  /** Leaves a request that is to be queued to a run or answer of its id, if there is one: false when it is to be submitted. */
  join(request: AcceptedRequest): Promise<boolean>;
}

export function createAtOnce({ engine, options, deliver, slots, leaveToStore, run }: AtOnceParts): AtOnce {
  const { requests, answers, clock } = engine;
  /** Requests in flight by connection. */
  const inFlight = new Map<string, number>();

  /** What there is under the id of a request, or that nobody runs it. */
  async function begin(request: AcceptedRequest, begins: boolean): Promise<"begun" | "durable" | "answered"> {
    const { key, requestId, connection, handler, payloadText } = request;
    const fingerprint = await fingerprintOf(handler.action, payloadText);
    const asked = { fingerprint, connectionId: connection.connectionId };
    const beginning = await (begins ? answers.begin(key, { ...asked, leaseMs: options.leaseMs }) : answers.join(key, asked));
    switch (beginning.outcome) {
      case "begun":
      case "none":
        return "begun";
      case "durable":
        return "durable";
      case "joined":
        return "answered";
      case "answered":
        await deliver.answerText(connection.connectionId, beginning.text);
        return "answered";
      case "conflict":
        throw new StreamerError("DUPLICATE_REQUEST", `The id "${requestId}" was just used with another payload; use a new id.`);
    }
  }

  /** P4: an id that is durable is never run again, whatever its action has become meanwhile. */
  async function isDurable(request: AcceptedRequest): Promise<boolean> {
    try {
      const isStored = await requests.has(request.key);
      if (isStored) await leaveToStore(request, { kind: "forgotten" });
      return isStored;
    } catch (error) {
      const { key, requestId, connection } = request;
      const askers = await answers.end(key, { kind: "forgotten" }).catch(() => []);
      const refused = wireError(
        "STORAGE_ERROR",
        `The store could not be asked for "${requestId}": ${asError(error).message}`.slice(0, 1_024),
      );
      const frame = { type: "error", request_id: requestId, timestamp: Math.round(clock.now()), error: refused } as const;
      const others = askers.filter((connectionId) => connectionId !== connection.connectionId);
      await Promise.all(others.map((connectionId) => deliver.answer(connectionId, frame)));
      throw error;
    }
  }

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
    const left = (inFlight.get(connectionId) ?? 1) - 1;
    if (left > 0) inFlight.set(connectionId, left);
    else inFlight.delete(connectionId);
  }

  /** What is to become of a request that has a slot. */
  async function look(request: AcceptedRequest): Promise<"begun" | "answered" | "queue"> {
    const beginning = await begin(request, true);
    if (beginning === "durable" || (beginning === "begun" && (await isDurable(request)))) return "queue";
    return beginning;
  }

  return {
    async answer(request) {
      const { handler, connection } = request;
      enter(connection.connectionId);
      try {
        const taken = slots.take(handler);
        if (taken !== true && !(await taken)) return "queue";
        let next: "begun" | "answered" | "queue" = "queue";
        try {
          next = await look(request);
        } finally {
          if (next !== "begun") slots.free(handler);
        }
        if (next === "begun") await run(request);
        return next === "queue" ? "queue" : "answered";
      } finally {
        leave(connection.connectionId);
      }
    },
    join: async (request) => (await begin(request, false)) === "answered",
  };
}
