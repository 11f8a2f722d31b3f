/**
 * Checksums of what is stored, so that a bit that flips at rest is noticed before anything is made of it (ADR 0036).
 *
 * Rows that are written once carry the checksum they were inserted with. Those of `requests` and `meta` change: triggers of
 * the connection compare the old one and put the new one wherever a statement brings none of its own, so that no statement
 * can forget it, and none gives a damaged row a fresh one. Another program that writes leaves the old one standing, and its rows are taken for damaged.
 */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { crc32 } from "node:zlib";
import { dataLoss } from "./damage.ts";

export type Stored = SQLOutputValue | undefined;

/** CRC-32 finds every flip within 32 bits; what happens to be further apart passes once in four thousand million. */
export const checksumOf = (values: readonly Stored[]): number =>
  // No table of ours holds blobs.
  crc32((values as readonly (string | number | null | undefined)[]).join("\u001F"));

/** All columns of `requests` but the checksum itself. */
const REQUEST_COLUMNS = [
  "id",
  "key",
  "request_id",
  "tenant",
  "user",
  "action",
  "idempotency_key",
  "priority",
  "max_attempts",
  "timeout_ms",
  "size",
  "retention_ms",
  "created_at",
  "run_at",
  "status",
  "attempt",
  "failures",
  "crashes",
  "cancel_requested",
  "boot",
  "lease_until",
  "seq",
  "progress_seq",
  "progress",
  "ended_at",
  "end_seq",
  "expires_at",
  "bytes",
] as const;
const META_COLUMNS = ["name", "value"] as const;

const list = (columns: readonly string[], of: string): string => columns.map((column) => `${of}.${column}`).join(", ");

/** SQL: true of a row of `requests` that is as it was written. */
export const IS_INTACT = `requests.sum IS checksum(${list(REQUEST_COLUMNS, "requests")})`;

type WholeRow = Readonly<Record<(typeof REQUEST_COLUMNS)[number], Stored>>;

/** The checksum of a whole row of `requests`. */
export const checksumOfRequest = (row: WholeRow): number => checksumOf(REQUEST_COLUMNS.map((column) => row[column]));

/** Whether a whole row of `requests` is as it was written. */
export const isIntact = (row: WholeRow & { readonly sum: number | null }): boolean => row.sum === checksumOfRequest(row);

/** SQL gets `checksum(…)`, which migrations use. */
export function defineChecksum(db: DatabaseSync): void {
  db.function("checksum", { varargs: true, deterministic: true }, (...values) => checksumOf(values));
}

export interface KeptChecksums {
  /** To be set to whoever has to know of rows of `requests`, by id, that changed by a statement without a checksum. */
  onResealed: (id: number) => void;
}

/** Keeps the checksums of rows that change, for as long as this connection is open. */
export function keepChecksums(db: DatabaseSync): KeptChecksums {
  const kept: KeptChecksums = { onResealed: () => {} };
  for (const [table, rowid, columns] of [
    ["requests", "id", REQUEST_COLUMNS],
    ["meta", "name", META_COLUMNS],
  ] as const) {
    const half = columns.length;
    db.function(`resealed_${table}`, { varargs: true }, (sum, ...values) => {
      const before = values.slice(0, half);
      if (checksumOf(before) !== sum) {
        throw table === "requests" ? dataLoss("record", String(before[columns.indexOf("request_id")])) : dataLoss(`"${String(before[0])}"`);
      }
      if (table === "requests") kept.onResealed(before[0] as number);
      return checksumOf(values.slice(half));
    });
    db.exec(`
      CREATE TEMP TRIGGER ${table}_inserted AFTER INSERT ON main.${table} WHEN NEW.sum IS NULL BEGIN
        UPDATE ${table} SET sum = checksum(${list(columns, "NEW")}) WHERE ${rowid} = NEW.${rowid};
      END;
      CREATE TEMP TRIGGER ${table}_updated AFTER UPDATE OF ${columns.join(", ")} ON main.${table} WHEN NEW.sum IS OLD.sum BEGIN
        UPDATE ${table} SET sum = resealed_${table}(OLD.sum, ${list(columns, "OLD")}, ${list(columns, "NEW")}) WHERE ${rowid} = NEW.${rowid};
      END;`);
  }
  return kept;
}
