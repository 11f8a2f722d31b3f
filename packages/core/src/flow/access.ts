/**
 * What a connection may do with an action. There is one way to a run, whichever verb begins it: the action, the right to
 * it, the payload, what is asked for beside it, and the operator's middleware, in this order. Whoever lacks the right is
 * told so before anything else is looked at, and has no other verb for requests of that action either: not to read, follow
 * or cancel them.
 */
import { andThen } from "../awaitable.ts";
import type { JsonValue, RequestOptions } from "@streamer/protocol";
import { StreamerError } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import { createAdmit, type Middleware } from "../middleware.ts";
import type { StreamerOptions } from "../options.ts";
import type { Awaitable } from "../ports/awaitable.ts";
import type { Connection } from "../ports/connections.ts";
import { checkAsked, type Terms } from "../rules/asked-options.ts";
import { checkPermission, mayUse } from "../rules/permission.ts";
import { describeIssues, validate, type Validated } from "../rules/validation.ts";

export interface AccessParts {
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  readonly middleware: readonly Middleware[];
  readonly options: StreamerOptions;
}

/** A run that is asked for. */
interface Wish {
  readonly handler: AnyHandler;
  readonly requestId: string;
  readonly connection: Connection;
  readonly payload: JsonValue;
  readonly options: RequestOptions;
}

export interface Admitted {
  /** What the schema made of the payload. */
  readonly input: unknown;
  readonly terms: Terms;
}

export interface Access {
  /** The handler of an action, for whoever has the right to it. Throws INVALID_ACTION or FORBIDDEN. */
  enter(action: string, connection: Connection): AnyHandler;
  /** Admits a run of a handler that was entered: throws, or rejects with, a StreamerError where it is refused. */
  admit(wish: Wish): Awaitable<Admitted>;
  /** Throws FORBIDDEN where the connection lacks the right to an action. One that has no handler any more asks for none. */
  check(action: string, connection: Connection): void;
  mayUse(action: string, connection: Connection): boolean;
  /** Whether the connection has the right to every action: what a request is of need not be looked up then. */
  mayUseAll(connection: Connection): boolean;
}

export function createAccess({ handlers, middleware, options }: AccessParts): Access {
  const ask = createAdmit(middleware);
  const guarded = Array.from(handlers.values()).filter(({ permissions }) => permissions !== undefined && permissions.length > 0);

  function admitted({ handler, requestId, connection, options: asked }: Wish, validated: Validated): Awaitable<Admitted> {
    if (!validated.ok) {
      const { message, details } = describeIssues(handler.action, validated.issues);
      throw new StreamerError("VALIDATION_ERROR", message, { details });
    }
    const { input } = validated;
    const terms = checkAsked(asked, handler, options);
    return andThen(ask({ handler, requestId, input, connection }), () => ({ input, terms }));
  }

  return {
    enter(action, connection) {
      const handler = handlers.get(action);
      if (!handler) {
        const known = Array.from(handlers.keys()).join(", ");
        throw new StreamerError("INVALID_ACTION", `There is no action "${action}"; known actions are ${known}.`);
      }
      checkPermission(handler, connection);
      return handler;
    },
    admit: (wish) => andThen(validate(wish.handler.input, wish.payload), (validated) => admitted(wish, validated)),
    check(action, connection) {
      const handler = handlers.get(action);
      if (handler) checkPermission(handler, connection);
    },
    mayUse(action, connection) {
      const handler = handlers.get(action);
      return !handler || mayUse(handler, connection);
    },
    mayUseAll: (connection) => guarded.every((handler) => mayUse(handler, connection)),
  };
}
