/**
 * When views are told that something changed: once per animation frame, all of them together, however fast changes
 * come. A hidden page gets no frames, and what is no browser has none: there a timer stands in.
 */
const waiting = new Set<() => void>();
let stop: (() => void) | undefined;

/** Nobody looks: often enough for a title or a notification. */
const UNSEEN_MS = 100;

export function beforePaint(call: () => void): void {
  waiting.add(call);
  stop ??= schedule();
}

/** Calls all that wait for the frame now. */
export function flush(): void {
  stop?.();
  stop = undefined;
  const calls = [...waiting];
  waiting.clear();
  for (const call of calls) call();
}

function schedule(): () => void {
  const page = globalThis.document as Document | undefined;
  if (typeof requestAnimationFrame !== "function" || page?.hidden) {
    const timer = setTimeout(flush, UNSEEN_MS);
    return () => clearTimeout(timer);
  }
  const frame = requestAnimationFrame(flush);
  // Hidden before its frame came, the page would wait for it until it is shown.
  page?.addEventListener("visibilitychange", flush);
  return () => {
    cancelAnimationFrame(frame);
    page?.removeEventListener("visibilitychange", flush);
  };
}
