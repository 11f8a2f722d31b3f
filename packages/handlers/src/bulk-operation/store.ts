/**
 * The table a bulk operation owns, and the ledger of the batches applied to it, in one SQLite database.
 *
 * B1: a batch and its ledger entry are one transaction, so that whatever dies, the ledger says exactly what was applied.
 * B2: a batch that is in the ledger is never applied again: its entry is answered instead. Even two attempts at once,
 * one of them not yet knowing that its lease is lost, apply it once.
 * B3: `apply` resolves once its batch is on stable storage. A commit writes to the log without waiting for the disk; the
 * disk is waited for outside of the loop that serves everybody's sockets, by one fsync for all batches committed before
 * it. What a power cut takes is the newest commits alone, whole ones, none of which was told to anybody.
 */
import type { JsonObject } from "@streamer/protocol";
import { mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Rows } from "./apply-item.ts";
import type { ItemReport } from "./outcomes.ts";

const SCHEMA_VERSION = 1;
/** Longer than any request may wait for its next attempt; after that its ledger entries only take up space. */
const LEDGER_MS = 30 * 86_400_000;

const SCHEMA = `
  CREATE TABLE entities (
    tenant TEXT NOT NULL, entity_type TEXT NOT NULL, id TEXT NOT NULL,
    body TEXT NOT NULL, version INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, entity_type, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE applied_batches (
    run TEXT NOT NULL, batch INTEGER NOT NULL, applied_at INTEGER NOT NULL, reports TEXT NOT NULL,
    PRIMARY KEY (run, batch)
  ) STRICT;
  CREATE INDEX applied_batches_by_age ON applied_batches (applied_at);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

interface Batch {
  readonly run: string;
  readonly number: number;
  readonly tenantId: string;
  readonly entityType: string;
}

export interface BulkStore {
  /** The reports of the batches applied for a run, first to last. */
  applied(run: string): readonly (readonly ItemReport[])[];
  /** Applies a batch, or answers what it did when it was applied before (B2). */
  apply(batch: Batch, change: (rows: Rows) => readonly ItemReport[]): Promise<readonly ItemReport[]>;
  close(): void;
}

export function openBulkStore(folder: string, now: () => number): BulkStore {
  mkdirSync(folder, { recursive: true });
  // No busy timeout: waiting for another process's lock here would hold up every socket of this one.
  const path = join(folder, "bulk.sqlite");
  const database = new DatabaseSync(path, { timeout: 0 });
  const onDisk = shareSync(`${path}-wal`);

  function transaction<T>(work: () => T): T {
    database.exec("BEGIN IMMEDIATE");
    try {
      const value = work();
      database.exec("COMMIT");
      return value;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }

  function migrate(): void {
    const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
    if (version > SCHEMA_VERSION)
      throw new Error(
        `The database of bulk operations was made by a newer version of Streamer (schema ${version}); start that version on it.`,
      );
    if (version < SCHEMA_VERSION) database.exec(SCHEMA);
    database.prepare("DELETE FROM applied_batches WHERE applied_at < ?").run(now() - LEDGER_MS);
  }

  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000");
    transaction(migrate);
  } catch (error) {
    database.close();
    throw error;
  }

  const ledgerOf = database.prepare("SELECT reports FROM applied_batches WHERE run = ? ORDER BY batch");
  const ledgerEntry = database.prepare("SELECT reports FROM applied_batches WHERE run = ? AND batch = ?");
  const record = database.prepare("INSERT INTO applied_batches (run, batch, applied_at, reports) VALUES (?, ?, ?, ?)");
  const where = "WHERE tenant = ? AND entity_type = ? AND id = ?";
  const select = database.prepare(`SELECT body FROM entities ${where}`);
  const insert = database.prepare("INSERT INTO entities (tenant, entity_type, id, body, version, updated_at) VALUES (?, ?, ?, ?, 1, ?)");
  const update = database.prepare(`UPDATE entities SET body = ?, version = version + 1, updated_at = ? ${where}`);
  const remove = database.prepare(`DELETE FROM entities ${where}`);

  const rowsOf = (tenantId: string, entityType: string): Rows => ({
    get(id) {
      const row = select.get(tenantId, entityType, id) as { body: string } | undefined;
      return row && (JSON.parse(row.body) as JsonObject);
    },
    insert: (id, fields) => void insert.run(tenantId, entityType, id, JSON.stringify(fields), now()),
    replace: (id, fields) => void update.run(JSON.stringify(fields), now(), tenantId, entityType, id),
    remove: (id) => remove.run(tenantId, entityType, id).changes === 1,
  });

  const reportsIn = (row: unknown): readonly ItemReport[] => JSON.parse((row as { reports: string }).reports) as ItemReport[];

  return {
    applied: (run) => ledgerOf.all(run).map(reportsIn),
    apply: async ({ run, number, tenantId, entityType }, change) => {
      const reports = transaction(() => {
        const entry = ledgerEntry.get(run, number);
        if (entry) return reportsIn(entry);
        const made = change(rowsOf(tenantId, entityType));
        record.run(run, number, now(), JSON.stringify(made));
        return made;
      });
      await onDisk();
      return reports;
    },
    close: () => database.close(),
  };
}

/** Each call resolves after an fsync of the file that began after it; calls that wait for the same one share it. */
function shareSync(path: string): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const sync = async (): Promise<void> => {
    const file = await open(path, "r");
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  };
  const begin = (): Promise<void> => {
    next = undefined;
    const begun = sync();
    running = begun;
    return begun;
  };
  return () => (next ??= (running ?? Promise.resolve()).catch(() => undefined).then(begin));
}

/** SQLITE_BUSY, in any of its extended forms: another process holds the write lock. */
export function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === "number" && (code & 0xff) === 5;
}
