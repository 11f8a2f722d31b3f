/** When to try again: exponential backoff with full jitter, so that many failures do not come back together. */

export interface RetryPolicy {
  /** Runs in all, the first included. Default 3. */
  readonly maxAttempts: number;
  /** The backoff ceiling after the first failure, in ms. Default 1,000. */
  readonly baseMs: number;
  /** No backoff is longer than this, in ms. Default 60,000. */
  readonly capMs: number;
}
export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 3, baseMs: 1_000, capMs: 60_000 };

/**
 * Backoff before the run that follows failure number `failures` (1-based): uniform in [0, min(cap, base · 2^(failures−1))].
 * "Full jitter" of Marc Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015.
 */
export function backoffMs(policy: RetryPolicy, failures: number, random: () => number): number {
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(failures - 1, 52));
  return Math.floor(random() * ceiling);
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** Pause after the store has refused a write `refusals` times in a row (1-based): one process alone waits, so no jitter. */
export const pauseMs = (refusals: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(refusals - 1, 10));
