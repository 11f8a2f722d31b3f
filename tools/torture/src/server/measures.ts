/** Has the server print what it holds, as one line of JSON on stdout, at each SIGUSR2. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface Measures {
  /** Used heap in bytes, after a full garbage collection. */
  readonly heapBytes: number;
  /** Bytes of buffers outside of it. */
  readonly externalBytes: number;
  /** Timers, sockets and the like that keep its loop alive. */
  readonly handles: number;
}

export function answerMeasures(): void {
  process.on("SIGUSR2", () => {
    // What --expose-gc would give to every server under torture.
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    collect();
    const { heapUsed: heapBytes, external: externalBytes } = process.memoryUsage();
    const measures: Measures = { heapBytes, externalBytes, handles: process.getActiveResourcesInfo().length };
    console.log(JSON.stringify(measures));
  });
}
