/** Where a handler stops until the test lets it go on. */
export interface Gate {
  /** Resolves when somebody stands before it. */
  reached(): Promise<void>;
  /** Lets the one that stands before it through. */
  open(): void;
  pass(signal: AbortSignal): Promise<void>;
}

export function createGate(): Gate {
  let arrival = Promise.withResolvers<void>();
  let opening = Promise.withResolvers<void>();
  return {
    reached: () => arrival.promise,
    open() {
      opening.resolve();
      arrival = Promise.withResolvers();
      opening = Promise.withResolvers();
    },
    async pass(signal) {
      arrival.resolve();
      const stopped = Promise.withResolvers<never>();
      const stop = (): void => stopped.reject(signal.reason as Error);
      signal.addEventListener("abort", stop);
      await Promise.race([opening.promise, stopped.promise]).finally(() => signal.removeEventListener("abort", stop));
    },
  };
}
