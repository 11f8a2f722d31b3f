/** A message to the stage that answers it. What is asked about a request waits until the request itself is known. */
import { andThen } from "../../awaitable.ts";
import type { ClientMessage } from "@streamer/protocol";
import { StreamerError } from "../../errors.ts";
import type { Awaitable } from "../../ports/awaitable.ts";
import type { Connection } from "../../ports/connections.ts";
import type { Clock } from "../../ports/clock.ts";
import { requestKey } from "../../rules/identity.ts";
import type { Deliver } from "../deliver/deliver.ts";
import type { Route } from "../route.ts";
import { createArrivals } from "./arrivals.ts";
import type { Control } from "./control.ts";
import type { Inspect } from "./inspect.ts";
import type { Questions } from "./questions.ts";

/** What a client whose request came too late is told to wait. */
const RESTART_AFTER_MS = 1_000;

export type Dispatch = ReturnType<typeof createDispatch>;

export interface DispatchParts {
  readonly clock: Pick<Clock, "now">;
  readonly answer: Deliver["answer"];
  readonly route: Route;
  readonly control: Control;
  readonly inspect: Inspect;
  readonly questions: Pick<Questions, "answer">;
  readonly isStopping: () => boolean;
}

export function createDispatch({ clock, answer, route, control, inspect, questions, isStopping }: DispatchParts) {
  const arrivals = createArrivals();

  /** P13: whatever begins a run is refused. */
  function refuseWhenStopping(requestId: string): void {
    if (!isStopping()) return;
    throw new StreamerError("SERVICE_UNAVAILABLE", `The server is stopping; send "${requestId}" again on a new connection.`, {
      afterMs: RESTART_AFTER_MS,
    });
  }

  function request(message: ClientMessage<"request">, connection: Connection, requestId: string): Awaitable<void> {
    refuseWhenStopping(requestId);
    const key = requestKey(connection.owner, requestId);
    const arrival = arrivals.arrive(key);
    const routed = route.route(message, { requestId, key, connection, onKnown: arrival.known });
    // What was answered within this turn was known before anything could be asked about it.
    if (!(routed instanceof Promise)) return;
    arrival.announce();
    return routed.finally(arrival.known);
  }

  function dispatched(message: ClientMessage, connection: Connection, requestId: string): Awaitable<void> {
    switch (message.type) {
      case "request":
        return request(message, connection, requestId);
      case "subscribe":
        return questions.answer(connection, () => inspect.subscribe(message, connection));
      case "unsubscribe":
        return inspect.unsubscribe(message, connection);
      case "cancel":
        return control.cancel(message, connection);
      case "retry":
        refuseWhenStopping(requestId);
        return control.retry(message, connection);
      case "get":
        return questions.answer(connection, () => inspect.get(message, connection));
      case "list":
        return questions.answer(connection, () => inspect.list(message, connection));
      case "actions":
        return questions.answer(connection, () => inspect.actions(message, connection));
      case "ping":
        return answer(connection.connectionId, {
          type: "pong",
          timestamp: Math.round(clock.now()),
          ...(message.ref !== undefined && { ref: message.ref }),
        });
    }
  }

  return {
    /** Resolves when the message is answered; rejects with what it is refused for. */
    dispatch(message: ClientMessage, connection: Connection, requestId: string): Awaitable<void> {
      return "request_id" in message
        ? andThen(arrivals.known(requestKey(connection.owner, requestId)), () => dispatched(message, connection, requestId))
        : dispatched(message, connection, requestId);
    },
  };
}
