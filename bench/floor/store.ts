/**
 * The least that a durable queue can do: one table, and writes of one turn of the event loop in one transaction with one
 * fsync. It knows no leases, attempts, events, owners or limits, and takes nothing back after a crash.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface FloorStore {
  /** `done` is called once the row is on stable storage. */
  accept(row: { readonly id: string; readonly action: string; readonly payload: string }, done: () => void): void;
  finish(id: string, result: string, done: () => void): void;
  close(): void;
}

interface Write {
  readonly run: () => void;
  readonly done: () => void;
}

export function openFloorStore(folder: string): FloorStore {
  const db = new DatabaseSync(join(folder, "floor.db"));
  db.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
    CREATE TABLE job (id TEXT PRIMARY KEY, action TEXT, payload TEXT, is_done INTEGER, result TEXT) WITHOUT ROWID;
  `);
  const begin = db.prepare("BEGIN");
  const end = db.prepare("COMMIT");
  const insert = db.prepare("INSERT INTO job VALUES (?, ?, ?, 0, NULL)");
  const update = db.prepare("UPDATE job SET is_done = 1, result = ? WHERE id = ?");
  let waiting: Write[] = [];

  const commit = (): void => {
    const batch = waiting;
    waiting = [];
    begin.run();
    for (const { run } of batch) run();
    end.run();
    for (const { done } of batch) done();
  };
  const write = (run: () => void, done: () => void): void => {
    if (waiting.length === 0) setImmediate(commit);
    waiting.push({ run, done });
  };

  return {
    accept: ({ id, action, payload }, done) => write(() => insert.run(id, action, payload), done),
    finish: (id, result, done) => write(() => update.run(result, id), done),
    close: () => db.close(),
  };
}
