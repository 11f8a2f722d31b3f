/** Time, injected so that tests move it and nothing sleeps. */
export interface Clock {
  /** Wall-clock time in epoch ms: for timestamps and schedules. May jump. */
  now(): number;
  /** Milliseconds since some fixed moment of this process; never goes back: for leases and intervals. */
  monotonic(): number;
  /** Calls `callback` once after `ms` of monotonic time. Returns a function that cancels it. Never keeps a process alive. */
  after(ms: number, callback: () => void): () => void;
}
