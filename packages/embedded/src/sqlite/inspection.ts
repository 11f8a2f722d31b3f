/**
 * The whole database is looked at before anything is served (ADR 0036): a request that cannot be found by its key would be
 * "unknown", and run again. An index that lacks entries is made anew from its table. A table that is out of order hides
 * rows of which nobody knows: then the server refuses to start.
 */
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { IS_INTACT } from "./checksums.ts";

export type Inspection =
  | { readonly state: "whole"; readonly rebuilt: readonly string[] }
  | { readonly state: "damaged"; readonly problems: readonly string[] };

const MAX_PROBLEMS = 1_000;
const ROW_OF_INDEX = /^row (\d+) (?:missing from|values differ from) index (\w+)$/;
const OF_INDEX = /^(?:wrong # of entries in|non-unique entry in|rowid not at end-of-record for row \d+ of) index (\w+)$/;
/** A value that its column cannot hold: the checksum of its row says the same. */
const OF_VALUE = /^(?:NULL|NUMERIC|TEXT|non-\w+) value in \w+\.\w+$/;

/** What defines tables and indexes, each by its name. Those that others have added are their own affair. */
export function schemaSums(db: DatabaseSync): Readonly<Record<string, number>> {
  const rows = db.prepare("SELECT name, type, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL").all();
  return Object.fromEntries(rows.map(({ name, type, tbl_name: table, sql }) => [name, crc32([type, table, sql].join("\n"))]));
}

export function inspectDatabase(db: DatabaseSync): Inspection {
  const problems = check(db);
  if (problems.length === 0) return { state: "whole", rebuilt: [] };
  const structural = problems.filter((problem) => ![ROW_OF_INDEX, OF_INDEX, OF_VALUE].some((pattern) => pattern.test(problem)));
  if (structural.length > 0) return { state: "damaged", problems: structural };
  const rebuilt = brokenIndexes(db, problems);
  for (const index of rebuilt) db.exec(`REINDEX ${index}`);
  const left = check(db).filter((problem) => rebuilt.some((index) => problem.endsWith(` index ${index}`)));
  return left.length === 0 ? { state: "whole", rebuilt } : { state: "damaged", problems: left };
}

const check = (db: DatabaseSync): readonly string[] =>
  db
    .prepare(`PRAGMA integrity_check(${MAX_PROBLEMS})`)
    .all()
    .flatMap(({ integrity_check: text }) => (text as string).split("\n"))
    .filter((text) => text !== "ok" && text !== "" && !text.startsWith("*** in database"));

/** An index that disagrees with a row that is damaged itself is right: it is what still finds it. */
function brokenIndexes(db: DatabaseSync, problems: readonly string[]): readonly string[] {
  const isWhole = db.prepare(`SELECT 1 FROM requests WHERE id = ? AND ${IS_INTACT}`);
  const blamed = problems.flatMap((problem) => {
    const [, row, index] = ROW_OF_INDEX.exec(problem) ?? [];
    return index !== undefined && (!isOfRequests(db, index) || isWhole.get(Number(row)) !== undefined) ? [index] : [];
  });
  // Too many entries, with none missing: nothing but the index itself is to blame.
  const named = new Set(problems.flatMap((problem) => ROW_OF_INDEX.exec(problem)?.[2] ?? []));
  const only = problems.flatMap((problem) => OF_INDEX.exec(problem)?.[1] ?? []).filter((index) => !named.has(index));
  return Array.from(new Set([...blamed, ...only]));
}

const isOfRequests = (db: DatabaseSync, index: string): boolean =>
  db.prepare("SELECT tbl_name FROM sqlite_schema WHERE name = ?").get(index)?.["tbl_name"] === "requests";
