/**
 * A file as the table that SQL sees: a view in which numbers and moments are such, as its columns are read for learning.
 * Where a column could be two things it stays text here, because nobody knows which columns the SQL is about.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import { rawColumns } from "../preprocess/columns.ts";
import { readColumns } from "../preprocess/read-columns.ts";
import { EMPTY, type WritingRules } from "../preprocess/writing.ts";
import { momentSql, presentSql, valueSql, type Reading } from "../preprocess/reading.ts";

/** No data set is called so, and SQL cannot name it. */
export const textTable = (name: string): string => `~text ${name}`;

export interface DataSetTerms {
  readonly rules: WritingRules;
  /** Columns kept as they are written. */
  readonly asText: ReadonlySet<string>;
}

export async function createDataSet(database: Database, name: string, { rules, asText }: DataSetTerms): Promise<void> {
  const table = textTable(name);
  const columns = await rawColumns(database, table);
  const texts = columns.filter((column) => column.type === "VARCHAR" && !asText.has(column.name));
  const readings = await readColumns(database, texts, { rules, table, doubt: "text" });
  const cells = columns.map((column) => {
    const reading: Reading = readings.get(column.name)?.reading ?? { kind: "text", nulls: EMPTY };
    if (column.type !== "VARCHAR") return identifier(column.name);
    if (reading.kind !== "date") return `${valueSql(column, reading)} AS ${identifier(column.name)}`;
    const moment = momentSql(identifier(column.name), reading.formats);
    return `CASE WHEN ${presentSql(column, reading)} THEN ${moment} END AS ${identifier(column.name)}`;
  });
  await database.execute(`CREATE VIEW ${identifier(name)} AS SELECT ${cells.join(", ")} FROM ${identifier(table)}`);
}

export async function dropDataSet(database: Database, name: string): Promise<void> {
  await database.execute(`DROP VIEW ${identifier(name)}`);
  await database.execute(`DROP TABLE ${identifier(textTable(name))}`);
}
