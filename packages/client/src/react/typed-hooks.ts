import type { ActionTypes, ActionsOf } from "../actions.ts";
import type { Client } from "../client.ts";
import type { ConnectionState } from "../session.ts";
import type { RunReference } from "../tracker.ts";
import { useClient } from "./provider.ts";
import { useConnection } from "./use-connection.ts";
import { useRequest, type RequestView, type UseRequestOptions } from "./use-request.ts";
import { useRun } from "./use-run.ts";
import type { RunView } from "./view.ts";

type InputOf<A, Name extends keyof A> = (A[Name] & ActionTypes)["input"];
type OutputOf<A, Name extends keyof A> = (A[Name] & ActionTypes)["output"];

export interface StreamerHooks<A> {
  useClient(): Client<A>;
  useConnection(): ConnectionState;
  useRequest<Name extends keyof A & string>(
    action: Name,
    options?: UseRequestOptions<InputOf<A, Name>, OutputOf<A, Name>>,
  ): RequestView<InputOf<A, Name>, OutputOf<A, Name>>;
  /** `useRun<"resize_images">(id)` gives the result the type of that action's output. */
  useRun<Name extends keyof A & string = never>(
    request: string | RunReference | undefined,
  ): RunView<[Name] extends [never] ? unknown : OutputOf<A, Name>>;
}

/**
 * The hooks, typed by your handlers; nothing of a handler is bundled.
 * @example export const { useRequest, useRun } = createStreamerHooks<typeof handlers>();
 */
export function createStreamerHooks<Handlers>(): StreamerHooks<ActionsOf<Handlers>> {
  return { useClient, useConnection, useRequest, useRun } as unknown as StreamerHooks<ActionsOf<Handlers>>;
}
