/** What was found damaged: named, logged once each, and counted. Whoever reads goes through here (ADR 0036). */
import { isDataLoss, StreamerError, type Log } from "@streamer/core";

/** The refusal of what is damaged. `requestId` is absent where nobody can tell whose it is; `cause` is for the log. */
export function dataLoss(what: string, requestId?: string, cause?: Error): StreamerError {
  const advice = "restore the server's data folder from a backup, or send a new request";
  return requestId === undefined
    ? new StreamerError("DATA_LOSS", `The ${what} in the store is damaged; ${advice}.`, { cause })
    : new StreamerError("DATA_LOSS", `What is stored of request "${requestId}" is damaged (its ${what}); ${advice}.`, { requestId, cause });
}

export interface Damage {
  /** Things found damaged since the start. */
  readonly count: number;
  /** Notes an error that says what is damaged, and returns it. */
  note<E>(error: E): E;
  /** Throws DATA_LOSS unless it is as it was written. */
  check(isIntact: boolean, what: string, requestId?: string): void;
  /** Reads; what SQLite itself finds damaged meanwhile is DATA_LOSS of the request, too. */
  reading<T>(requestId: string | undefined, read: () => T): T;
}

/** Log lines, and memory for what was named: whole pages may be gone. */
const MAX_NAMED = 10_000;

export function createDamage(log: Pick<Log, "error">): Damage {
  const named = new Set<string>();
  let count = 0;

  function note<E>(error: E): E {
    if (!isDataLoss(error) || named.has(error.message)) return error;
    count += 1;
    if (named.size < MAX_NAMED) {
      named.add(error.message);
      log.error({ request_id: error.requestId, err: error }, "what is stored is damaged; it is refused, and everything else goes on");
    }
    return error;
  }

  return {
    get count() {
      return count;
    },
    note,
    check: (isIntact, what, requestId) => {
      if (!isIntact) throw note(dataLoss(what, requestId));
    },
    reading: (requestId, read) => {
      try {
        return read();
      } catch (error) {
        if (isDamageBySqlite(error)) throw note(dataLoss("place in the database", requestId, error));
        throw note(error);
      }
    },
  };
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const CODES: ReadonlySet<number> = new Set([11, 26]);

/** Also a number that no column ever held: Node refuses to read it. */
export const isDamageBySqlite = (error: unknown): error is Error =>
  error instanceof Error &&
  (("errcode" in error && CODES.has((error.errcode as number) & 0xff)) || ("code" in error && error.code === "ERR_OUT_OF_RANGE"));

/** Of SQLite: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN, NOLFS, AUTH. */
const OUTSIDE: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 10, 13, 14, 22, 23]);

/** What is around a file fails, and says nothing of what is in it: its disk, its modes, the machine's limits. */
export const isOfItsSurroundings = (error: unknown): boolean =>
  error instanceof Error && ("errcode" in error ? OUTSIDE.has((error.errcode as number) & 0xff) : "errno" in error);
