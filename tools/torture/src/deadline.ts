/** Waits that end: no wait of a suite outlasts its signal. */

/** Resolves when `signal` aborts, or at once if it has. */
export const until = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });

/**
 * Aborts after `ms`, or when one of `signals` does. AbortSignal.timeout inside AbortSignal.any is collected as garbage
 * when nobody listens, and whoever polls `aborted` waits for ever.
 */
export function deadline(ms: number, ...signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  setTimeout(abort, ms).unref();
  for (const signal of signals) void until(signal).then(abort);
  return controller.signal;
}
