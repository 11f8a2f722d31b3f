/**
 * CSV that may be opened in a spreadsheet: no text of it can become a formula there (OWASP, "CSV Injection").
 *
 * Spreadsheets run a cell that begins with = + - @, in full width too, and forgive blanks, control characters and marks
 * that cannot be seen before it; some split a cell that begins with tab or return. Such a text gets an apostrophe in
 * front, and so does one that already begins with apostrophes and goes on like that: taking one apostrophe off every text
 * that matches again behind it gives exactly what there was. Names of columns are texts too. Numbers stay numbers,
 * whether their column is typed or an id is written as text: -7 is no formula.
 */
import type { Database } from "./database.ts";
import { identifier, literal } from "./sql.ts";

/** In the grammar that RE2 (DuckDB) and JavaScript share. */
const RUN = "^'*(?:[\\t\\r\\n]|[\\p{Z}\\p{Cc}\\p{Cf}]*[=+\\-@＝＋－＠﹦﹢﹣﹫−])";
const NUMBER = "^[+\\-]?[0-9]+(?:\\.[0-9]+)?(?:[eE][+\\-]?[0-9]+)?$";
const RUN_NAME = new RegExp(RUN, "u");
/** What DuckDB prints in digits and letters of its own. All other types are texts, or hold some. */
const PLAIN_TYPE = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|BOOLEAN|DATE|TIME.*)$/;

/** `select`, in its order, as COPY may write it to a CSV file. */
export async function safeForCsv(database: Database, select: string): Promise<string> {
  const columns = await database.rows<{ column_name: string; column_type: string }>(`DESCRIBE ${select}`);
  // By place: names may differ in nothing but their case.
  const places = columns.map((_, index) => `c${index}`);
  const cells = columns.map(({ column_name: name, column_type: type }, index) => {
    const cell = PLAIN_TYPE.test(type) ? places[index]! : cellSql(`${places[index]!}::VARCHAR`);
    return `${cell} AS ${identifier(RUN_NAME.test(name) ? `'${name}` : name)}`;
  });
  return `SELECT ${cells.join(", ")} FROM (${select}) AS cells(${places.join(", ")})`;
}

const cellSql = (text: string): string =>
  `CASE WHEN regexp_matches(${text}, ${literal(RUN)}) AND NOT regexp_matches(${text}, ${literal(NUMBER)}) THEN '''' || ${text} ELSE ${text} END`;
