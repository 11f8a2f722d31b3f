/**
 * A small file that is read again when it has changed. What cannot be read or makes no sense is logged, and what was read
 * before counts: half a file, or none, is how a file looks while somebody writes it.
 */
import { readFileSync, statSync } from "node:fs";
import { asError, type Clock, type Log } from "@streamer/core";

export interface WatchedFileParts<T> {
  readonly path: string;
  /** "The key set", say: how messages begin. */
  readonly what: string;
  readonly maxBytes: number;
  readonly parse: (text: string) => T;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
}

const LOOK_EVERY_MS = 1_000;
const LOG_EVERY_MS = 60_000;

/** Reads it, and returns what returns what it holds now. Throws a TypeError when it cannot be read at first. */
export function watchFile<T>({ path, what, maxBytes, parse, clock, log }: WatchedFileParts<T>): () => T {
  const read = (): { readonly version: string; readonly value: T } => {
    const { size, mtimeNs, ino } = statSync(path, { bigint: true });
    if (size > maxBytes) throw new Error(`it has ${size} bytes; at most ${maxBytes} are read`);
    return { version: `${ino} ${size} ${mtimeNs}`, value: parse(readFileSync(path, "utf8")) };
  };
  const versionNow = (): string => {
    const { size, mtimeNs, ino } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  };

  let last: ReturnType<typeof read>;
  try {
    last = read();
  } catch (cause) {
    throw new TypeError(`${what} in ${path} cannot be read: ${asError(cause).message}.`, { cause });
  }
  let lookedAt = clock.monotonic();
  let loggedAt = -Infinity;

  function look(): void {
    try {
      if (versionNow() === last.version) return;
      last = read();
      loggedAt = -Infinity;
      log.info({ path }, `${what} has changed, and was read again`);
    } catch (error) {
      if (clock.monotonic() - loggedAt < LOG_EVERY_MS) return;
      loggedAt = clock.monotonic();
      log.error({ err: asError(error), path }, `${what} cannot be read again; what was read before is still used`);
    }
  }

  return () => {
    if (clock.monotonic() - lookedAt >= LOOK_EVERY_MS) {
      lookedAt = clock.monotonic();
      look();
    }
    return last.value;
  };
}
