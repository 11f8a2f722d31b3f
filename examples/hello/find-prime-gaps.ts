/**
 * Heavy work done well: in a process of its own, with progress, results as they are found, a checkpoint to go on from,
 * and a file at the end. It looks for record gaps between prime numbers with a segmented sieve.
 */
import { defineHandler } from "@streamer/core";
import { z } from "zod";

const SEGMENT = 2_000_000;

interface Gap {
  readonly after: number;
  readonly gap: number;
}

// A type, not an interface: what is checkpointed must be JSON, and only a type alias can be seen to be.
type State = {
  /** Everything below is done. */
  readonly next: number;
  readonly lastPrime: number;
  readonly gaps: readonly { readonly after: number; readonly gap: number }[];
};

export const findPrimeGaps = defineHandler({
  action: "find_prime_gaps",
  input: z.object({ to: z.int().min(10).max(1_000_000_000) }),
  isolate: import.meta.url,
  timeoutMs: 10 * 60_000,
  concurrency: { perTenant: 2 },
  async run({ to }, ctx) {
    const primes = primesUpTo(Math.floor(Math.sqrt(to)));
    let state = (ctx.resumed as State | undefined) ?? { next: 3, lastPrime: 2, gaps: [] };

    while (state.next <= to) {
      ctx.signal.throwIfAborted();
      const end = Math.min(to + 1, state.next + SEGMENT);
      const { lastPrime, found } = scan(state, end, primes);
      for (const gap of found) await ctx.partial("gaps", { ...gap });
      state = { next: end, lastPrime, gaps: [...state.gaps, ...found] };
      await ctx.checkpoint(state);
      ctx.report((100 * end) / (to + 1), `up to ${end - 1}`, { stage: "sieve", gaps: state.gaps.length });
    }

    const csv = ["after,gap", ...state.gaps.map(({ after, gap }) => `${after},${gap}`), ""].join("\n");
    const file = await ctx.blobs.put("gaps.csv", csv, { contentType: "text/csv" });
    return { largest: state.gaps.at(-1)!, url: file.url, expires_at: file.expiresAt };
  },
});

/** The record gaps whose second prime lies in [state.next, end). */
function scan(state: State, end: number, primes: readonly number[]): { readonly lastPrime: number; readonly found: readonly Gap[] } {
  const { next: start } = state;
  const composite = new Uint8Array(end - start);
  for (const prime of primes) {
    if (prime * prime >= end) break;
    for (let multiple = Math.max(prime * prime, Math.ceil(start / prime) * prime); multiple < end; multiple += prime)
      composite[multiple - start] = 1;
  }
  const found: Gap[] = [];
  let { lastPrime } = state;
  let record = state.gaps.at(-1)?.gap ?? 0;
  for (let n = start; n < end; n += 1) {
    if (composite[n - start]) continue;
    if (n - lastPrime > record) {
      record = n - lastPrime;
      found.push({ after: lastPrime, gap: record });
    }
    lastPrime = n;
  }
  return { lastPrime, found };
}

function primesUpTo(limit: number): readonly number[] {
  const composite = new Uint8Array(limit + 1);
  const primes: number[] = [];
  for (let n = 2; n <= limit; n += 1) {
    if (composite[n]) continue;
    primes.push(n);
    for (let multiple = n * n; multiple <= limit; multiple += n) composite[multiple] = 1;
  }
  return primes;
}
