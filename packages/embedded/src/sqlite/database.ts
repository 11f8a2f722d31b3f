/**
 * Opens the one database of a data folder: WAL, and an fsync at every commit (P1).
 *
 * One writer per folder (P3): the server holds an exclusive lock on `lock.db`, a file of its own so that backup and
 * inspection tools can still read the database while the server runs. The operating system frees the lock when the
 * process dies, however it dies.
 */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StreamerError } from "@streamer/core";
import { migrate } from "./schema.ts";

export interface Database {
  readonly db: DatabaseSync;
  /** Names this store; made when the database was. */
  readonly epoch: string;
  /** Numbers this process among those that opened the folder: the leases of an earlier one are over (P3). */
  readonly boot: number;
  /** Size of what is not folded back into the database yet. */
  walBytes(): number;
  close(): void;
}

const LOCK_FILE = "lock.db";
/** A server that is being replaced may take a moment to die. */
const LOCK_WAIT_MS = 500;

export function openDatabase(dataFolder: string): Database {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(dataFolder);
  try {
    const path = join(dataFolder, "streamer.db");
    const db = new DatabaseSync(path, { timeout: 5_000 });
    // The WAL is folded back at 16 MiB rather than 4: fewer interruptions of the commit path under load.
    db.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
      PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;
    `);
    migrate(db);
    db.exec("UPDATE meta SET value = value + 1 WHERE name = 'boot'");
    const meta = db.prepare("SELECT value FROM meta WHERE name = ?");
    const read = (name: string) => meta.get(name)!["value"] as string;
    return {
      db,
      epoch: read("epoch"),
      boot: Number(read("boot")),
      walBytes: () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      close: () => {
        db.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

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
  const lock = new DatabaseSync(join(dataFolder, LOCK_FILE), { timeout: LOCK_WAIT_MS });
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    throw new StreamerError(
      "STORAGE_ERROR",
      `The data folder ${dataFolder} is in use by another Streamer server. Stop that one, or give this one a folder of its own.`,
      { cause: error },
    );
  }
}
