/** What to know before trusting a report: keys that met nothing, amounts that were rounded, texts that were cut. */
import type { Database } from "../duckdb/database.ts";
import type { Warning } from "../warnings.ts";
import { MAX_TEXT } from "./lines-sql.ts";
import { count } from "./progress.ts";

export async function warningsOf(database: Database): Promise<readonly Warning[]> {
  return [
    ...(await unlisted(database, "customers", "customer_key", "without a name")),
    ...(await unlisted(database, "products", "product_key", 'under "Unknown"')),
    ...(await rounded(database)),
    ...(await cut(database)),
  ];
}

const lines = (number: number): string => `${count(number)} order ${number === 1 ? "line" : "lines"}`;

/** A key as people take it for the same: without decimals that are zero, zeros in front, blanks, capitals. */
const alike = (column: string): string => `regexp_replace(ltrim(lower(replace(${column}::VARCHAR, ' ', '')), '0'), '[.,]0+$', '')`;

/** Keys are joined as they are written; what meets nothing is counted, and so is what differs in its writing alone. */
async function unlisted(
  database: Database,
  list: "customers" | "products",
  key: "customer_key" | "product_key",
  effect: string,
): Promise<readonly Warning[]> {
  const [lost] = await database.rows<{ lines: number; sample: string | null }>(
    `SELECT count(*)::INTEGER AS lines, min(${key}::VARCHAR) AS sample FROM lines ANTI JOIN ${list} USING (${key}) WHERE ${key} IS NOT NULL`,
  );
  if (!lost || lost.lines === 0) return [];
  const [near] = await database.rows<{ lines: number; written: string | null; listed: string | null }>(
    `WITH lost AS (SELECT ${key}, count(*) AS lines FROM lines ANTI JOIN ${list} USING (${key}) WHERE ${key} IS NOT NULL GROUP BY ${key}),
          listed AS (SELECT ${alike(key)} AS alike, min(${key}::VARCHAR) AS listed FROM ${list} GROUP BY 1)
     SELECT coalesce(sum(lines), 0)::INTEGER AS lines, min(lost.${key}::VARCHAR) AS written, arg_min(listed, lost.${key}::VARCHAR) AS listed
     FROM lost JOIN listed ON ${alike(`lost.${key}`)} = listed.alike`,
  );
  const hint =
    near && near.lines > 0
      ? ` For ${count(near.lines)} the list has it written otherwise, "${near.listed}" for "${near.written}": write both alike in the mapping's SELECT.`
      : "";
  const message = `${lines(lost.lines)} with a ${key} that "${list}" does not list, such as "${lost.sample}", ${effect}.${hint}`;
  return [{ kind: "unlisted_keys", message, column: key, count: lost.lines }];
}

async function rounded(database: Database): Promise<readonly Warning[]> {
  const [row] = await database.rows<{ lines: number }>("SELECT count(*)::INTEGER AS lines FROM lines WHERE rounded");
  if (!row || row.lines === 0) return [];
  const message = `${lines(row.lines)} with a quantity or an amount of more than four decimals, rounded to four. Round them in the mapping's SELECT as your books do.`;
  return [{ kind: "rounded_amounts", message, count: row.lines }];
}

async function cut(database: Database): Promise<readonly Warning[]> {
  const texts = ["order_id", "customer", "product", "category", "region", "country"];
  const [row] = await database.rows<{ lines: number }>(
    `SELECT count(*)::INTEGER AS lines FROM lines WHERE ${texts.map((column) => `length(${column}::VARCHAR) >= ${MAX_TEXT}`).join(" OR ")}`,
  );
  if (!row || row.lines === 0) return [];
  const message = `${lines(row.lines)} with a text of ${count(MAX_TEXT)} characters or more, cut there.`;
  return [{ kind: "cut_texts", message, count: row.lines }];
}
