/**
 * Filters against the data: a value the data does not know is a mistake (a misspelt region would give a report of
 * zeros that looks like a bad quarter), so it is refused with the values there are.
 */
import { Fatal } from "@streamer/core";
import type { Database } from "../duckdb/database.ts";
import { FILTER_FIELDS, type FilterField, type Filters } from "./input.ts";

/** Known values named in a refusal; the rest are counted. */
const NAMED_VALUES = 40;

/** Where the known values of each field are listed: SQL that gives one text column. Undefined: the data has no such field. */
export type KnownValues = { readonly [Field in FilterField]: string | undefined };

export async function checkFilters(database: Database, filters: Filters, known: KnownValues): Promise<void> {
  const issues: { path: string[]; message: string }[] = [];
  for (const field of FILTER_FIELDS) {
    const values = filters[field];
    if (!values) continue;
    const source = known[field];
    const message = source === undefined ? `this data has no ${field}` : await unknownValues(database, field, values, source);
    if (message !== undefined) issues.push({ path: ["filters", field], message });
  }
  if (issues.length === 0) return;
  const summary = issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  throw new Fatal(`The report's filters do not fit its data. ${summary}`, { code: "VALIDATION_ERROR", details: { issues } });
}

async function unknownValues(
  database: Database,
  field: FilterField,
  values: readonly string[],
  source: string,
): Promise<string | undefined> {
  const placeholders = values.map((_, index) => `$${index + 1}`).join(", ");
  const found = await database.rows<{ value: string }>(`SELECT DISTINCT value FROM (${source}) WHERE value IN (${placeholders})`, values);
  const unknown = values.filter((value) => !found.some((row) => row.value === value));
  if (unknown.length === 0) return undefined;
  const some = await database.rows<{ value: string; total: number }>(
    `SELECT value, count(*) OVER ()::INTEGER AS total FROM (SELECT DISTINCT value FROM (${source}) WHERE value IS NOT NULL) ORDER BY value LIMIT ${NAMED_VALUES}`,
  );
  const more = (some[0]?.total ?? 0) - some.length;
  return (
    `unknown ${field} ${unknown.map((value) => `"${value}"`).join(", ")}; ` +
    `known are ${some.map(({ value }) => `"${value}"`).join(", ")}${more > 0 ? ` and ${more} more` : ""}`
  );
}
