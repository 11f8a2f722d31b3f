/** Ctrl-C and SIGTERM: calls with how many came so far; the answer ends that, and the next one kills as usual. */
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
