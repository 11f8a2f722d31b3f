/**
 * Many writes, one fsync. Writes asked for in one turn of the event loop run in one transaction at its end, in order:
 *
 *   write(a) write(b) write(c) ──turn ends──> BEGIN · a · b · c · COMMIT+fsync ──> a, b, c resolve
 *
 * G1 A write resolves only once it is on stable storage (P1).
 * G2 One that throws leaves nothing behind and harms no other: the transaction is begun anew, each in its own savepoint.
 *    That is rare, and a savepoint for every write would copy each page that it changes.
 * G3 When the transaction as a whole fails, every write of it rejects with STORAGE_ERROR and none is half visible.
 * G4 Results resolve in the order of the writes, so frames of one request arrive in `seq` order.
 *
 * G5 What is mirrored in memory follows: what a write changed there is undone when the write is (undo-log.ts).
 */
import type { DatabaseSync } from "node:sqlite";
import { StreamerError } from "@streamer/core";
import { dataLoss, isDamageBySqlite, type Damage } from "./damage.ts";
import type { UndoLog } from "./undo-log.ts";

export interface GroupCommit {
  /** Runs `change` (which must be synchronous) within the next transaction. */
  write<T>(change: () => T): Promise<T>;
  /** Why the store took no write last time: a disk that is full or fails. Undefined once a commit has stood. */
  readonly refusal: Error | undefined;
  /** Commits what is waiting now; later writes are refused. */
  close(): void;
}

interface Write {
  readonly change: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  result?: { readonly value: unknown } | { readonly error: unknown };
}

export function createGroupCommit(db: DatabaseSync, memory: UndoLog, damage: Pick<Damage, "note">): GroupCommit {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const end = db.prepare("COMMIT");
  const enter = db.prepare("SAVEPOINT one");
  const leave = db.prepare("RELEASE one");
  let waiting: Write[] = [];
  let closed = false;
  let refusal: Error | undefined;
  const refuse = (error: unknown): unknown => {
    if (isDamageBySqlite(error)) return damage.note(dataLoss("database", undefined, error));
    if (isOfTheStore(error)) refusal = error;
    return damage.note(asStorageError(error));
  };

  const attempt = (write: Write): void => {
    const mark = memory.mark();
    enter.run();
    try {
      write.result = { value: write.change() };
      leave.run();
    } catch (error) {
      write.result = { error: refuse(error) };
      // Disk full and I/O errors may have ended the whole transaction already: then nothing of it stands (G3).
      if (!db.isTransaction) throw error;
      db.exec("ROLLBACK TO one; RELEASE one");
      memory.undo(mark);
    }
  };

  const rollBack = (): void => {
    if (db.isTransaction) db.exec("ROLLBACK");
  };

  /** True when it is worth trying again: the log of a full disk, folded back into the database, has room again. */
  const abandon = (error: unknown): boolean => {
    memory.undo(0);
    try {
      rollBack();
      if (!isSqliteError(error) || (error.errcode & 0xff) !== DISK_FULL) return false;
      return db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0;
    } catch {
      // The disk that failed the commit fails this too: the next commit tries it first.
      return false;
    }
  };

  const runAll = (batch: readonly Write[]): void => {
    memory.begin();
    rollBack();
    begin.run();
    if (!runPlainly(batch)) {
      begin.run();
      for (const write of batch) attempt(write);
    }
    end.run();
  };

  /** False when one of them has thrown: nothing of any stands then. */
  const runPlainly = (batch: readonly Write[]): boolean => {
    try {
      for (const write of batch) write.result = { value: write.change() };
      return true;
    } catch {
      rollBack();
      memory.undo(0);
      return false;
    }
  };

  const commit = (): void => {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    refusal = undefined;
    try {
      try {
        runAll(batch);
      } catch (error) {
        if (!abandon(error)) throw error;
        refusal = undefined;
        runAll(batch);
      }
    } catch (error) {
      abandon(error);
      const refused = refuse(error);
      for (const write of batch) write.result = { error: refused };
    }
    memory.keep();
    for (const { result, resolve, reject } of batch) {
      if (result && "value" in result) resolve(result.value as never);
      else reject(result?.error);
    }
  };

  return {
    write: <T>(change: () => T) =>
      new Promise<T>((resolve, reject) => {
        if (closed) {
          reject(new StreamerError("SERVICE_UNAVAILABLE", "The store is closed: the server is stopping. Try again in a moment."));
          return;
        }
        if (waiting.length === 0) setImmediate(commit);
        waiting.push({ change, resolve, reject });
      }),
    get refusal() {
      return refusal;
    },
    close: () => {
      commit();
      closed = true;
    },
  };
}

const isSqliteError = (error: unknown): error is Error & { readonly errcode: number } =>
  error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";

/** About the time in which an operator, or the purge, makes room. */
const TRY_AGAIN_MS = 5_000;

/** SQLITE_FULL. */
const DISK_FULL = 13;
/** Codes of SQLite that a write earns for what it says: error, constraint, mismatch, range. Any other is of the disk. */
const FAULTS_OF_A_WRITE: ReadonlySet<number> = new Set([1, 19, 20, 25]);

const isOfTheStore = (error: unknown): error is Error => isSqliteError(error) && !FAULTS_OF_A_WRITE.has(error.errcode & 0xff);

/** In words of our own: what SQLite says of a write is for the log. */
const whyOf = ({ errcode }: { readonly errcode: number }): string => ((errcode & 0xff) === DISK_FULL ? ": its disk is full" : "");

function asStorageError(error: unknown): unknown {
  return isSqliteError(error)
    ? new StreamerError("STORAGE_ERROR", `The store refused the write${whyOf(error)}; nothing was accepted. Try again later.`, {
        cause: error,
        afterMs: TRY_AGAIN_MS,
      })
    : error;
}
