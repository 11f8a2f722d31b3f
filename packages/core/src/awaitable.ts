/** What is there already is gone on with in the same turn of the event loop: no promise is made for it. */
import type { Awaitable } from "./ports/awaitable.ts";

/** Goes on with a value: in the same turn when it is there already. */
export function andThen<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  if (!(value instanceof Promise)) return next(value);
  // oxlint-disable-next-line promise/no-callback-in-promise -- it is what this function is for
  return value.then(next);
}

/** What `work` gives, or what `instead` makes of its error, thrown or rejected. */
export function orElse<T>(work: () => Awaitable<T>, instead: (error: unknown) => Awaitable<T>): Awaitable<T> {
  try {
    const value = work();
    return value instanceof Promise ? value.catch(instead) : value;
  } catch (error) {
    return instead(error);
  }
}
