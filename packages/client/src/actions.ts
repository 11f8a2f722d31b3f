/**
 * Types alone: what a client knows of its actions from `connect<typeof handlers>()`. Nothing of a handler is imported
 * when it runs.
 */
import type { JsonValue, TypedAction } from "@streamer/protocol";

type AnyAction = TypedAction<string, unknown>;
type Members<Handlers> = Extract<Handlers extends readonly (infer Member)[] ? Member : Handlers[keyof Handlers], AnyAction>;
type TypesOf<H extends AnyAction> = NonNullable<H["~types"]>;

export interface ActionTypes {
  readonly input: unknown;
  readonly output: unknown;
}
export type Actions = { readonly [action: string]: ActionTypes };

/** Inputs and outputs by action, of handlers in an array or an object (also a module of them). */
export type ActionsOf<Handlers> = {
  readonly [H in Members<Handlers> as H["action"]]: {
    readonly input: TypesOf<H>["input"];
    readonly output: Travelled<TypesOf<H>["output"]>;
  };
};

/** A value after its way through JSON: dates are strings, functions and undefined are gone. */
export type Travelled<T> = T extends JsonValue | undefined
  ? T
  : T extends { toJSON(): infer Printed }
    ? Travelled<Printed>
    : T extends readonly unknown[]
      ? { [K in keyof T]: Travelled<T[K]> }
      : T extends (...args: never) => unknown
        ? never
        : T extends object
          ? { [K in keyof T as T[K] extends (...args: never) => unknown ? never : K]: Travelled<T[K]> }
          : T;

/** An input that may be left out when nothing in it is required. */
export type RequestArguments<Input, Options> = {} extends Input ? [input?: Input, options?: Options] : [input: Input, options?: Options];
