/**
 * Appends of a channel, joined in segments: a file or an object for each append would be a cost nobody bounds. Within a
 * segment the rows of an append are NDJSON, and an empty line ends them: what does not end so was torn by a crash, and was
 * acknowledged to nobody. A segment that has reached `SEGMENT_BYTES` takes no further append.
 */
export const SEGMENT_BYTES = 262_144;
const END = "\n\n";

/** An append as it is stored; `rows` are not empty. */
export const appendText = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("") + "\n";

/** The whole appends of a segment. */
export const appendsIn = (segment: string): readonly string[] =>
  segment
    .split(END)
    .slice(0, -1)
    .map((text) => text + END);

/** Bytes of the whole appends. */
export function wholeBytes(segment: Buffer): number {
  const at = segment.lastIndexOf(END);
  return at === -1 ? 0 : at + END.length;
}

export function countAppends(segment: Buffer): number {
  let count = 0;
  for (let at = segment.indexOf(END); at !== -1; at = segment.indexOf(END, at + END.length)) count += 1;
  return count;
}
