/**
 * Tables and their numbered migrations: `PRAGMA user_version` counts those applied. A database of a newer Streamer is
 * refused, never guessed at.
 *
 * What is written often stays small: SQLite rewrites a whole row on update, so payloads (up to 1 MiB) and checkpoints
 * live beside the request rather than in it. The result and the final error are not stored twice: they are read back
 * from the text of the event at `end_seq`. Which requests wait is kept in memory (backlog.ts) and rebuilt from the
 * `live` index, so no index has to follow every claim.
 */
import type { DatabaseSync } from "node:sqlite";
import { StreamerError } from "@streamer/core";
import { defineChecksum } from "./checksums.ts";

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('epoch', lower(hex(randomblob(16)))), ('boot', '0');

  CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    request_id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    user TEXT NOT NULL,
    action TEXT NOT NULL,
    idempotency_key TEXT,
    priority INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    timeout_ms INTEGER NOT NULL,
    estimated_ms INTEGER,
    retention_ms INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    boot INTEGER,
    lease_until REAL,
    seq INTEGER NOT NULL DEFAULT 0,
    progress_seq INTEGER,
    progress TEXT,
    ended_at INTEGER,
    end_seq INTEGER,
    run_ms INTEGER,
    expires_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX by_idempotency_key ON requests (tenant, user, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX by_user ON requests (tenant, user);
  CREATE INDEX by_tenant ON requests (tenant);
  CREATE INDEX live ON requests (id) WHERE ended_at IS NULL;
  CREATE INDEX by_expiry ON requests (expires_at) WHERE expires_at IS NOT NULL;
  CREATE INDEX completed_runs ON requests (action, ended_at, run_ms) WHERE run_ms IS NOT NULL;

  CREATE TABLE inputs (request INTEGER PRIMARY KEY, payload TEXT NOT NULL, metadata TEXT NOT NULL, permissions TEXT NOT NULL) STRICT;
  CREATE TABLE checkpoints (request INTEGER PRIMARY KEY, state TEXT NOT NULL) STRICT;
  CREATE TABLE events (request INTEGER, seq INTEGER, text TEXT NOT NULL, PRIMARY KEY (request, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE tombstones (key TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX tombstones_by_end ON tombstones (until);

  CREATE TABLE blobs (key TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, content_type TEXT NOT NULL, filename TEXT NOT NULL) STRICT;
  `,
  // Run times were kept on each request, in an index that every end had to follow.
  `
  DROP INDEX completed_runs;
  ALTER TABLE requests DROP COLUMN run_ms;
  CREATE TABLE run_times (action TEXT, size INTEGER, durations TEXT NOT NULL, PRIMARY KEY (action, size)) STRICT, WITHOUT ROWID;
  `,
  // What a request was expected to take follows from its size, and from what has been learned since.
  `
  ALTER TABLE requests DROP COLUMN estimated_ms;
  ALTER TABLE requests ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
  `,
  // Run times are kept by more than the size of the input: by how far an author's estimate is off, too.
  `
  ALTER TABLE run_times RENAME TO run_times_by_size;
  CREATE TABLE run_times (action TEXT, series TEXT, durations TEXT NOT NULL, PRIMARY KEY (action, series)) STRICT, WITHOUT ROWID;
  INSERT INTO run_times SELECT action, 'size_' || size, durations FROM run_times_by_size;
  DROP TABLE run_times_by_size;
  `,
  // Nobody lists a whole tenant.
  "DROP INDEX by_tenant",
  // What is stored carries a checksum. What was there already is taken as it is.
  `
  ALTER TABLE meta ADD COLUMN sum INTEGER;
  UPDATE meta SET sum = checksum(name, value);
  ALTER TABLE requests ADD COLUMN sum INTEGER;
  UPDATE requests SET sum = checksum(id, key, request_id, tenant, user, action, idempotency_key, priority, max_attempts, timeout_ms,
    size, retention_ms, created_at, run_at, status, attempt, failures, crashes, cancel_requested, boot, lease_until, seq,
    progress_seq, progress, ended_at, end_seq, expires_at);
  ALTER TABLE inputs ADD COLUMN sum INTEGER;
  ALTER TABLE inputs ADD COLUMN metadata_sum INTEGER;
  UPDATE inputs SET sum = checksum(request, payload, permissions), metadata_sum = checksum(request, metadata);
  ALTER TABLE checkpoints ADD COLUMN sum INTEGER;
  UPDATE checkpoints SET sum = checksum(request, state);
  ALTER TABLE events ADD COLUMN sum INTEGER;
  UPDATE events SET sum = checksum(request, seq, text);
  ALTER TABLE tombstones ADD COLUMN sum INTEGER;
  UPDATE tombstones SET sum = checksum(key, until);
  ALTER TABLE blobs ADD COLUMN sum INTEGER;
  UPDATE blobs SET sum = checksum(key, name, content_type, filename);
  ALTER TABLE run_times ADD COLUMN sum INTEGER;
  UPDATE run_times SET sum = checksum(action, series, durations);
  `,
  // What is stored with each request is counted (requests/usage.ts). A row that was damaged before stays so.
  `
  ALTER TABLE requests ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  UPDATE requests SET bytes = 1024
    + coalesce((SELECT octet_length(payload) + octet_length(metadata) + octet_length(permissions) FROM inputs WHERE request = requests.id), 0)
    + coalesce((SELECT sum(octet_length(text)) FROM events WHERE request = requests.id), 0)
    + coalesce((SELECT octet_length(state) FROM checkpoints WHERE request = requests.id), 0);
  UPDATE requests SET sum = checksum(id, key, request_id, tenant, user, action, idempotency_key, priority, max_attempts, timeout_ms,
    size, retention_ms, created_at, run_at, status, attempt, failures, crashes, cancel_requested, boot, lease_until, seq,
    progress_seq, progress, ended_at, end_seq, expires_at, bytes)
    WHERE sum IS checksum(id, key, request_id, tenant, user, action, idempotency_key, priority, max_attempts, timeout_ms,
    size, retention_ms, created_at, run_at, status, attempt, failures, crashes, cancel_requested, boot, lease_until, seq,
    progress_seq, progress, ended_at, end_seq, expires_at);
  ALTER TABLE blobs ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  `,
];

/** True when there was something to apply. */
export function migrate(db: DatabaseSync, migrations: readonly string[] = MIGRATIONS): boolean {
  defineChecksum(db);
  const version = db.prepare("PRAGMA user_version").get()!["user_version"] as number;
  if (version > migrations.length) {
    throw new StreamerError(
      "STORAGE_ERROR",
      `The data folder was written by a newer Streamer (schema ${version}; this one knows up to ${migrations.length}). Upgrade Streamer, or use another data folder.`,
    );
  }
  for (let next = version; next < migrations.length; next += 1) {
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(migrations[next]!);
      db.exec(`PRAGMA user_version = ${next + 1}`);
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
  return version < migrations.length;
}
