/** What this server can do. The page and the test are typed by this list. */
import { setImmediate as letOthersRun } from "node:timers/promises";
import { defineHandler } from "@streamer/embedded";
import { z } from "zod";

const SLICE = 10_000;

/** A job that takes a while: it reports how far it is, and stops when it is cancelled. */
const countPrimes = defineHandler({
  action: "count_primes",
  input: z.object({ below: z.int().min(10).max(100_000_000) }),
  async run({ below }, ctx) {
    const divisors = primesBelow(Math.ceil(Math.sqrt(below)) + 1);
    let primes = 0;
    for (let start = 2; start < below; start += SLICE) {
      // Aborted when the request is cancelled, or the server stops. Give it to fetch, timers and queries as well.
      ctx.signal.throwIfAborted();
      const end = Math.min(start + SLICE, below);
      for (let number = start; number < end; number += 1) if (isPrime(number, divisors)) primes += 1;
      ctx.report((100 * end) / below, `${primes} primes below ${end}`);
      // Other requests have their turn. Work that cannot be cut up gets a process of its own: `isolate: import.meta.url`.
      await letOthersRun();
    }
    return { primes };
  },
});

export const handlers = [countPrimes] as const;

function isPrime(number: number, divisors: readonly number[]): boolean {
  for (const divisor of divisors) {
    if (divisor * divisor > number) return true;
    if (number % divisor === 0) return false;
  }
  return true;
}

function primesBelow(limit: number): readonly number[] {
  const primes: number[] = [];
  for (let number = 2; number < limit; number += 1) if (isPrime(number, primes)) primes.push(number);
  return primes;
}
