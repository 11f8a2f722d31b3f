import { isStartedByNpm } from "./starter.ts";

/** npm passes a Ctrl-C on to a command that the terminal has told of it already: what comes so soon behind is the same one. */
const SAME_MS = 300;

/** Calls `handle` at each Ctrl-C or SIGTERM with how many came so far. Returns how to stop: the next one then kills as usual. */
export function onInterrupt(handle: (count: number, signal: NodeJS.Signals) => void): () => void {
  let count = 0;
  let lastAt = Number.NEGATIVE_INFINITY;
  const listen = (signal: NodeJS.Signals): void => {
    const isSame = isStartedByNpm(process.env) && performance.now() - lastAt < SAME_MS;
    lastAt = performance.now();
    if (isSame) return;
    count += 1;
    handle(count, signal);
  };
  process.on("SIGINT", listen);
  process.on("SIGTERM", listen);
  return () => {
    process.off("SIGINT", listen);
    process.off("SIGTERM", listen);
  };
}

/** Calls `handle` when an exception was thrown that nobody caught, in place of ending the process. Returns how to stop. */
export function onUncaught(handle: () => void): () => void {
  process.on("uncaughtException", handle);
  return () => void process.off("uncaughtException", handle);
}
