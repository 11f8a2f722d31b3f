/**
 * Numbers that name a row: a model learns nothing of them that holds for other rows, and may learn the order of the file.
 * Texts of that kind are left out as names already (fit-texts.ts).
 */
import type { Database } from "../../duckdb/database.ts";
import type { InputColumn } from "../preprocess/columns.ts";
import type { Warning } from "../../warnings.ts";

const LEAST_ROWS = 50;
const BATCH = 25;
const NAMED_LIKE_ID = /(?:^|[^a-z])(?:id|key|nr|no|number|index|code)$|[a-z](?:Id|ID|Key|Nr|No|Number)$/;
/** How closely numbers may follow the order of rows before they are taken for their numbers. */
const IN_ORDER = 0.999;
/** Numbers that leave so few of their range out are counted through. */
const DENSE = 1.5;

interface Found {
  readonly rows: number;
  readonly whole: number;
  readonly about: number;
  readonly range: number;
  readonly order: number | null;
}

export async function idWarnings(database: Database, inputs: readonly InputColumn[]): Promise<Warning[]> {
  const numbers = inputs.filter(({ kind }) => kind === "number");
  const suspects: InputColumn[] = [];
  for (let at = 0; at < numbers.length; at += BATCH) {
    const batch = numbers.slice(at, at + BATCH);
    const found = await describe(database, batch);
    suspects.push(...batch.filter(({ name }, index) => mayBeId(name, found[index]!)));
  }
  const warnings: Warning[] = [];
  for (const { name, cell } of suspects) {
    const [row] = await database.rows<{ rows: number; different: number }>(
      `SELECT count(${cell})::DOUBLE AS rows, count(DISTINCT ${cell})::DOUBLE AS different FROM clean WHERE part >= 0`,
    );
    if (row && row.different === row.rows) warnings.push({ kind: "id_column", message: messageOf(name, row.rows), column: name });
  }
  return warnings;
}

const messageOf = (name: string, rows: number): string =>
  `"${name}" has another whole number in each of ${rows.toLocaleString("en-US")} rows and looks like an id. Name it in id_columns, or leave it out of the features: what a model learns of it does not hold for other rows.`;

async function describe(database: Database, columns: readonly InputColumn[]): Promise<readonly Found[]> {
  const parts = columns.flatMap(({ cell }, index) => [
    `count(${cell})::DOUBLE AS rows${index}`,
    `(count(*) FILTER (${cell} = floor(${cell})))::DOUBLE AS whole${index}`,
    `approx_count_distinct(${cell})::DOUBLE AS about${index}`,
    `coalesce(max(${cell}) - min(${cell}), 0)::DOUBLE AS range${index}`,
    `CASE WHEN max(abs(${cell})) < 1e15 AND max(${cell}) > min(${cell}) THEN corr(${cell}, row) END AS order${index}`,
  ]);
  const [row = {}] = await database.rows<Record<string, number | null>>(`SELECT ${parts.join(", ")} FROM clean WHERE part >= 0`);
  return columns.map((_, index) => ({
    rows: row[`rows${index}`] ?? 0,
    whole: row[`whole${index}`] ?? 0,
    about: row[`about${index}`] ?? 0,
    range: row[`range${index}`] ?? 0,
    order: row[`order${index}`] ?? null,
  }));
}

function mayBeId(name: string, { rows, whole, about, range, order }: Found): boolean {
  // The count is an estimate; the exact one follows for the few that pass.
  if (rows < LEAST_ROWS || whole < rows || about < 0.8 * rows) return false;
  return NAMED_LIKE_ID.test(name) || range + 1 <= DENSE * rows || Math.abs(order ?? 0) >= IN_ORDER;
}
