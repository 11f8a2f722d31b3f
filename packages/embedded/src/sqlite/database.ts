/**
 * Opens the one database of a data folder: WAL, and an fsync at every commit (P1).
 *
 * One writer per folder (P3): the server holds an exclusive lock on `lock.db`, a file of its own so that backup and
 * inspection tools can still read the database while the server runs. The operating system frees the lock when the
 * process dies, however it dies.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { asError, isStreamerError, StreamerError } from "@streamer/core";
import { checksumOf, keepChecksums, type KeptChecksums } from "./checksums.ts";
import { isOfItsSurroundings } from "./damage.ts";
import { inspectDatabase, schemaSums } from "./inspection.ts";
import { openPrivateFile, openPrivateFolder } from "./private-folder.ts";
import { migrate } from "./schema.ts";
import { inspectWal } from "./wal.ts";

export interface Database {
  readonly db: DatabaseSync;
  readonly checksums: KeptChecksums;
  /** Names this store; made when the database was. */
  readonly epoch: string;
  /** Numbers this process among those that opened the folder: the leases of an earlier one are over (P3). */
  readonly boot: number;
  /** What was found wrong at opening and could be mended. */
  readonly mended: readonly string[];
  /** Size of what is not folded back into the database yet. */
  walBytes(): number;
  close(): void;
}

const LOCK_FILE = "lock.db";
/** A server that is being replaced may take a moment to die. */
const LOCK_WAIT_MS = 500;

export function openDatabase(dataFolder: string): Database {
  openPrivateFolder(dataFolder);
  const lock = lockFolder(dataFolder);
  const path = join(dataFolder, "streamer.db");
  let opened: DatabaseSync | undefined;
  try {
    const wal = inspectWal(`${path}-wal`);
    if (wal.state === "damaged") throw damaged(`${path}-wal`, wal.what);
    for (const file of [path, ...[`${path}-wal`, `${path}-shm`].filter((beside) => existsSync(beside))]) openPrivateFile(file);
    const db = (opened = new DatabaseSync(path, { timeout: 5_000 }));
    // The WAL is folded back at 16 MiB rather than 4: fewer interruptions of the commit path under load.
    db.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cell_size_check = ON;
      PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;
    `);
    const isMigrated = migrate(db);
    const checksums = keepChecksums(db);
    const inspection = inspectDatabase(db);
    if (inspection.state === "damaged") throw damaged(path, inspection.problems.slice(0, NAMED).join("; "));
    const meta = db.prepare("SELECT value, sum FROM meta WHERE name = ?");
    const read = (name: string): string => {
      const { value, sum } = meta.get(name) ?? {};
      if (sum !== checksumOf([name, value])) throw damaged(path, `what it says of its ${name}`);
      return value as string;
    };
    const schema = JSON.stringify(schemaSums(db));
    if (isMigrated) db.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('schema', ?)").run(schema);
    const sums = Object.entries(JSON.parse(schema) as Record<string, number>);
    const known = JSON.parse(read("schema")) as Record<string, number>;
    const changed = Object.keys(known).filter((name) => !sums.some(([other, sum]) => other === name && sum === known[name]));
    if (changed.length > 0) throw damaged(path, `what defines ${changed.join(", ")}`);
    read("boot");
    db.exec("UPDATE meta SET value = value + 1 WHERE name = 'boot'");
    return {
      db,
      checksums,
      epoch: read("epoch"),
      boot: Number(read("boot")),
      mended: [
        ...(wal.state === "torn" ? ["the last transaction was not all there and is left out: it was torn, or is damaged"] : []),
        ...inspection.rebuilt.map((index) => `the index ${index} was damaged, and was made anew`),
      ],
      walBytes: () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      close: () => {
        db.close();
        lock.close();
      },
    };
  } catch (error) {
    opened?.close();
    lock.close();
    if (isStreamerError(error)) throw error;
    throw isOfItsSurroundings(error) ? unusable(path, error) : damaged(path, asError(error).message, error);
  }
}

/** Problems in one message. */
const NAMED = 5;

const damaged = (path: string, what: string, cause?: unknown): StreamerError =>
  new StreamerError(
    "DATA_LOSS",
    `${path} cannot be used: it is damaged, or no database of Streamer (${what}). Restore the data folder from a backup.`,
    { ...(cause !== undefined && { cause }) },
  );

const unusable = (path: string, cause: unknown): StreamerError =>
  new StreamerError(
    "STORAGE_ERROR",
    `${path} cannot be used now (${asError(cause).message}). Nothing says that it is damaged: mend what is around it (space, rights, the disk) and start again.`,
    { cause },
  );

/** Whether a server holds the folder now. It looks without locking, so that a server that starts meanwhile is not refused. */
export function isInUse(dataFolder: string): boolean {
  const path = join(dataFolder, LOCK_FILE);
  if (!existsSync(path)) return false;
  const lock = new DatabaseSync(path, { readOnly: true, timeout: 0 });
  try {
    lock.prepare("SELECT count(*) FROM sqlite_master").get();
    return false;
  } catch {
    return true;
  } finally {
    lock.close();
  }
}

function lockFolder(dataFolder: string): DatabaseSync {
  const path = join(dataFolder, LOCK_FILE);
  let lock: DatabaseSync | undefined;
  try {
    openPrivateFile(path);
    lock = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    if (isStreamerError(error)) throw error;
    if (!isHeldByAnother(error)) throw unusable(path, error);
    throw new StreamerError(
      "STORAGE_ERROR",
      `The data folder ${dataFolder} is in use by another Streamer server. Stop that one, or give this one a folder of its own.`,
      { cause: error },
    );
  }
}

/** SQLITE_BUSY. */
const isHeldByAnother = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && ((error.errcode as number) & 0xff) === 5;
