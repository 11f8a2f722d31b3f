/** Data that users may have read is kept apart from what the server keeps: its keys, and everybody's requests. */
import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** Within the server's folder, and made by it: holds nothing but the sample. */
export const SAMPLE_FOLDER = "sample-shop";

/** Where it really is, whatever links lead there; one that is still to be made is where it will be. */
function realOf(folder: string): string {
  const path = resolve(folder);
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : join(realOf(dirname(path)), basename(path));
  }
}

const holds = (outer: string, inner: string): boolean => {
  const path = relative(outer, inner);
  return path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path);
};

/** Why data must not be read from `data` beside a server that keeps its own in `own`; undefined when it may. */
export function whyNotApart(data: string, own: string): string | undefined {
  const [from, kept] = [realOf(data), realOf(own)];
  if (from === realOf(join(own, SAMPLE_FOLDER))) return undefined;
  if (holds(from, kept))
    return `the data folder ${data} holds the server's own folder ${own}: any user could read its keys. Put the data into a folder of its own, or name another server folder outside of it.`;
  if (holds(kept, from))
    return `the data folder ${data} lies in the server's own folder ${own}, where everybody's requests are. Put the data into a folder of its own.`;
  return undefined;
}
