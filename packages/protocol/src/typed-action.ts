/**
 * What a client needs to know of a handler to be typed by it. Handlers carry this in their type alone, so that
 * `connect<typeof handlers>()` infers inputs and results with no code generation and no import at run time.
 */
export interface TypedAction<Action extends string = string, Input = never, Output = unknown> {
  readonly action: Action;
  readonly "~types"?: { readonly input: Input; readonly output: Output };
}
