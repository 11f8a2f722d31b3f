/**
 * The thread that notices a held event loop and has it interrupted: see held-loop.ts. One function that refers to
 * nothing outside of itself: a thread that is given its text starts in half the time, and half the memory, of one that
 * loads a module.
 */
import type { HeldLoopThread } from "./held-loop.ts";

export function watchBeats(): void {
  const { Session } = process.getBuiltinModule("node:inspector");
  const { beats, pausedMs, everyMs, look } = process.getBuiltinModule("node:worker_threads").workerData as HeldLoopThread;
  /** Any hold above the bound, four beats, has missed so many when it ends. */
  const firstAskMs = 2 * everyMs;
  /** Then it asks again, each time after twice as long: a loop that is held for good is told too. */
  const secondAskMs = 40 * everyMs;
  let seen = -1;
  let seenAt = performance.now();
  let lookedAt = seenAt;
  let asksAtMs = firstAskMs;

  const ask = (expression: string): void => {
    try {
      const session = new Session();
      session.connectToMainThread();
      session.post("Runtime.evaluate", { expression }, () => session.disconnect());
    } catch {
      // Where the inspector is forbidden (--permission) the loop itself still says for how long it was held.
    }
  };

  setInterval(() => {
    const now = performance.now();
    const lateMs = now - lookedAt - everyMs;
    lookedAt = now;
    if (lateMs > everyMs) {
      Atomics.add(pausedMs, 0, Math.round(lateMs));
      seenAt += lateMs;
    }
    const beat = Atomics.load(beats, 0);
    if (beat !== seen) {
      seen = beat;
      seenAt = now;
      asksAtMs = firstAskMs;
      return;
    }
    const heldMs = now - seenAt;
    if (heldMs < asksAtMs) return;
    const again = asksAtMs > firstAskMs;
    asksAtMs = again ? 2 * asksAtMs : secondAskMs;
    ask(`globalThis[${JSON.stringify(look)}]?.(${beat}, ${Math.round(heldMs)}, ${again})`);
  }, everyMs);
}
