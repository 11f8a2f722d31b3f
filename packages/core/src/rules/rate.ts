/** Token bucket: so much a second on average, and bursts (P14). Pure but for the bucket it is handed. */
export interface Bucket {
  tokens: number;
  /** Monotonic ms of the last refill. */
  at: number;
}

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Answers how many ms it takes until the bucket can be spent from: 0 when it can now. What is over the burst waits for all of it. */
export function delayUntil(bucket: Bucket, { perSecond, burst }: Rate, cost: number, now: number): number {
  bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1_000);
  bucket.at = now;
  return (Math.max(0, Math.min(cost, burst) - bucket.tokens) * 1_000) / perSecond;
}

/** Takes one token. Answers 0 when there was one, else the ms until there is. */
export function take(bucket: Bucket, ratePerSecond: number, burst: number, now: number): number {
  const afterMs = delayUntil(bucket, { perSecond: ratePerSecond, burst }, 1, now);
  if (afterMs === 0) bucket.tokens -= 1;
  return afterMs;
}
