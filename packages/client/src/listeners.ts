/** Those who want to hear of each new state. */
export interface Listeners<T> {
  /** Returns a function that unsubscribes. */
  readonly add: (listener: (value: T) => void) => () => void;
  tell(value: T): void;
}

export function createListeners<T>(): Listeners<T> {
  const listeners = new Set<(value: T) => void>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(value) {
      // Apart, so that one that throws is its owner's problem.
      for (const listener of listeners) queueMicrotask(() => listener(value));
    },
  };
}
