/** Token bucket: `ratePerSecond` on average, bursts of `burst` (P14). Pure but for the bucket it is handed. */
export interface Bucket {
  tokens: number;
  /** Monotonic ms of the last refill. */
  at: number;
}

/** Takes one token. Answers 0 when there was one, else the ms until there is. */
export function take(bucket: Bucket, ratePerSecond: number, burst: number, now: number): number {
  bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * ratePerSecond) / 1_000);
  bucket.at = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return 0;
  }
  return ((1 - bucket.tokens) * 1_000) / ratePerSecond;
}
