/** How a report says how far it is: four stages, each as long on the bar as it should take (costs.ts). */
import { stat } from "node:fs/promises";
import { count, type Tell } from "../stages.ts";

export { count };
export type StageProgress = Tell;

/**
 * Says four times a second, until `work` ends, how large the file is that it writes: of one long statement no more is
 * known (DuckDB's own count of rows stood at a third of them when it was done).
 */
export async function whileWritten<T>(work: Promise<T>, path: string, tell: (bytes: number) => void): Promise<T> {
  let working = true;
  const timer = setInterval(() => {
    void stat(path).then(
      ({ size }) => working && tell(size),
      () => undefined, // not there yet
    );
  }, 250);
  try {
    return await work;
  } finally {
    working = false;
    clearInterval(timer);
  }
}

export const megabytes = (bytes: number): string => `${count(Math.round(bytes / 1_000_000))} MB`;
