/** Calls `handle` at each Ctrl-C or SIGTERM with how many came so far. Returns how to stop: the next one then kills as usual. */
export function onInterrupt(handle: (count: number, signal: NodeJS.Signals) => void): () => void {
  let count = 0;
  const listen = (signal: NodeJS.Signals): void => {
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
