/**
 * Reads CSV and JSON as they are written. DuckDB types a column by its first rows, and a typed column can forget what
 * stood in the file: twenty digits become a rounded number that two orders share, 1.50 becomes 1.5, and a later 2.5 in a
 * column of whole numbers is rounded without a word. So, for each SELECT of a mapping, before it runs:
 *
 * 1. A column that comes out as a text (a key, a name, a region) is read as text, as long as dates, quantities and
 *    amounts come out as before: what is calculated with stays a number.
 * 2. A number that would lose digits is read as an exact one: whole numbers of up to 38 digits, else decimals.
 * 3. Stamps of a JSON file that carry an offset keep it, so that the mapping's time zone says which day they are.
 * 4. What neither helps is refused by name: types that the mapping's author gave are left alone.
 */
import { Fatal } from "@streamer/core";
import type { Database } from "../../duckdb/database.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import { fileReads, type FileRead } from "./file-reads.ts";

/** Columns of a source that are texts in a report, whatever their type in the file. */
const TEXT_COLUMNS: ReadonlySet<string> = new Set([
  "order_id",
  "product_key",
  "customer_key",
  "customer",
  "product",
  "category",
  "region",
  "country",
]);

const NUMBER_COLUMNS: ReadonlySet<string> = new Set(["order_date", "quantity", "revenue", "profit"]);
const isReported = (name: string): boolean => TEXT_COLUMNS.has(name) || NUMBER_COLUMNS.has(name);

interface Column {
  readonly name: string;
  readonly type: string;
}

/** One reading of a file, with the types its columns are to have instead of DuckDB's. */
interface Reading {
  readonly read: FileRead;
  readonly columns: readonly Column[];
  /** Columns with a type of their author's, in small letters, which keep it. */
  readonly fixed: "all" | ReadonlySet<string>;
  /** Whether its first row holds the names: said where all cells are texts, and nothing else tells. */
  readonly header: boolean;
  readonly types: Map<string, string>;
}

/** Options that say how numbers are written: as texts they would no longer be numbers to a cast. */
const NUMBER_OPTIONS = new Set(["thousands", "decimal_separator"]);
const TYPE_OPTIONS = new Set(["types", "dtypes", "column_types"]);
/** Digits that a floating-point number keeps whatever they are. */
const EXACT_DIGITS = 15;
/** Of which four are a report's decimals. */
const WHOLE_DIGITS = EXACT_DIGITS - 4;
/** Digits of DuckDB's widest decimal. */
const DECIMAL_DIGITS = 38;
/** Decimals kept of an amount while it is calculated with. */
const MAX_SCALE = 10;

export async function readAsWritten(database: Database, select: string): Promise<string> {
  const readings: Reading[] = [];
  for (const read of fileReads(select)) if (read.format !== "xlsx") readings.push(await readingOf(database, noting(read)));
  if (readings.length === 0) return select;
  const asFound = await outputs(database, select, readings);
  if (!asFound) return select; // DuckDB itself says what is wrong with it, where it runs
  for (const reading of readings) {
    if (reading.fixed === "all") continue;
    await keepOffsets(database, { select, readings, reading, asFound });
    const numbers = await profile(database, reading);
    for (const column of reading.columns) {
      const finding = numbers.get(column.name);
      if (!isFree(reading, column)) continue;
      if (asIsExact(column.type, finding)) continue;
      const before = (await outputs(database, select, readings)) ?? asFound;
      reading.types.set(column.name, "VARCHAR");
      if (fitsAsText(before, await outputs(database, select, readings))) continue;
      reading.types.delete(column.name);
      await keepDigits(database, { select, readings, reading, column, finding, asFound });
    }
  }
  return printed(select, readings, (reading) => callSql(reading));
}

/** Where lines are left out that cannot be read, DuckDB is to keep a list of them. */
function noting(read: FileRead): FileRead {
  const { format, options } = read;
  const isLeaving = options.some(({ name, value }) => name === "ignore_errors" && !isFalse(value));
  if (format !== "csv" || !isLeaving || options.some(({ name }) => name === "store_rejects")) return read;
  return { ...read, options: [...options, { name: "store_rejects", value: "true" }] };
}

/** What one reading of a file gives, and the types its author gave, which stay. */
async function readingOf(database: Database, read: FileRead): Promise<Reading> {
  const described = await database.rows<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM ${callSql({ read, types: new Map(), columns: [], header: false })}`,
  );
  const columns = described.map(({ column_name: name, column_type: type }) => ({ name, type }));
  const header = !columns.every(({ name }, index) => name === `column${index}` || name === `column${String(index).padStart(2, "0")}`);
  return { read, columns, fixed: await authorTypes(database, read), header, types: new Map() };
}

async function authorTypes(database: Database, { format, options }: FileRead): Promise<"all" | ReadonlySet<string>> {
  if (options.some(({ name, value }) => name === "columns" || name === "auto_detect" || (name === "all_varchar" && !isFalse(value))))
    return "all";
  const given = options.find(({ name }) => format === "csv" && TYPE_OPTIONS.has(name));
  if (!given) return new Set();
  const [row] = await database.rows<{ types: string }>(`SELECT to_json(${given.value})::VARCHAR AS types`);
  const types = JSON.parse(row?.types ?? "null") as unknown;
  if (types === null || typeof types !== "object" || Array.isArray(types)) return "all";
  return new Set(Object.keys(types).map((name) => name.toLowerCase()));
}

const isFalse = (value: string): boolean => /^(?:false|0)$/i.test(value.trim());

/** Everything but text; nested values are nobody's key. */
const isTyped = (type: string): boolean =>
  type !== "VARCHAR" && type !== "JSON" && !/[[(]|^STRUCT|^MAP/.test(type.replace(/^DECIMAL\(.*\)$/, "DECIMAL"));
const isFree = ({ fixed }: Reading, { name, type }: Column): boolean => fixed !== "all" && !fixed.has(name.toLowerCase()) && isTyped(type);
const isWhole = (type: string): boolean => /^U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?$/.test(type);
const isNumber = (type: string): boolean => isWhole(type) || type === "DOUBLE" || type === "FLOAT";

interface Finding {
  /** Cells that are written otherwise than their type prints them. */
  readonly unlike: number;
  /** Whole numbers by their first rows, decimals further down. */
  readonly decimals: number;
  /** Cells of more digits than a floating-point number keeps. */
  readonly wide: number;
  /** Most digits before and behind the point. */
  readonly before: number;
  readonly behind: number;
  /** Stamps with an offset. */
  readonly offsets: number;
}

/** Whole numbers that are written as they are printed are the same as texts; sorted and compared they stay numbers. */
const asIsExact = (type: string, finding: Finding | undefined): boolean => isWhole(type) && (finding?.unlike ?? 0) === 0;

/** One look at every cell that DuckDB does not read as text. */
async function profile(database: Database, reading: Reading): Promise<ReadonlyMap<string, Finding>> {
  const { read, columns, header } = reading;
  const looked = ({ type }: Column): boolean => isNumber(type) || (read.format === "json" && type === "TIMESTAMP");
  const typed = columns.filter((column) => isFree(reading, column) && looked(column));
  if (typed.length === 0) return new Map();
  const texts =
    read.format === "csv"
      ? allTexts(reading)
      : callSql({ read, columns, header, types: new Map(columns.map(({ name }) => [name, "VARCHAR"])) });
  const digits = (text: string): string => `length(regexp_replace(${text}, '[^0-9]', '', 'g'))`;
  const figures = typed.map(({ name, type }, index) => {
    const cell = identifier(name);
    const [before, behind] = [1, 2].map((part) => digits(`split_part(${cell}, '.', ${part})`)) as [string, string];
    const long = `length(${cell}) > ${WHOLE_DIGITS} AND ${before} > CASE WHEN contains(${cell}, '.') THEN ${WHOLE_DIGITS} ELSE ${EXACT_DIGITS} END`;
    const counted = (condition: string): string => `count(*) FILTER (${condition})::DOUBLE`;
    return [
      isWhole(type) ? `${counted(`${cell} <> try_cast(${cell} AS ${type})::VARCHAR`)} AS unlike_${index}` : `0::DOUBLE AS unlike_${index}`,
      isWhole(type) ? `${counted(`contains(${cell}, '.')`)} AS decimals_${index}` : `0::DOUBLE AS decimals_${index}`,
      `${counted(type.startsWith("TIMESTAMP") ? "false" : long)} AS wide_${index}`,
      `coalesce(max(${before}) FILTER (${long}), 0)::DOUBLE AS before_${index}`,
      `coalesce(max(${behind}) FILTER (${long}), 0)::DOUBLE AS behind_${index}`,
      type.startsWith("TIMESTAMP")
        ? `${counted(`regexp_matches(${cell}, '(Z|[+-][0-9]{2}:?[0-9]{2})$')`)} AS offsets_${index}`
        : `0::DOUBLE AS offsets_${index}`,
    ].join(", ");
  });
  const [row = {}] = await database.rows<Record<string, number>>(`SELECT ${figures.join(", ")} FROM ${texts}`);
  const of = (name: keyof Finding, index: number): number => row[`${name}_${index}`] ?? 0;
  return new Map(
    typed.map(({ name }, index) => [
      name,
      {
        unlike: of("unlike", index),
        decimals: of("decimals", index),
        wide: of("wide", index),
        before: of("before", index),
        behind: of("behind", index),
        offsets: of("offsets", index),
      },
    ]),
  );
}

/** Rows looked at to see whether texts are stamps. */
const STAMP_SAMPLE = 1_000;
const STAMP = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$";

/** Stamps with an offset that DuckDB takes for texts: cast to a day, they would lose the offset. */
async function keepOffsets(
  database: Database,
  { select, readings, reading, asFound }: Omit<Deciding, "column" | "finding">,
): Promise<void> {
  const { columns, fixed } = reading;
  const texts = columns.filter(({ name, type }) => type === "VARCHAR" && fixed !== "all" && !fixed.has(name.toLowerCase()));
  if (texts.length === 0) return;
  const stamps = texts.map(({ name }, index) => {
    const cell = identifier(name);
    return `coalesce(bool_and(regexp_matches(${cell}, ${literal(STAMP)}) AND try_cast(${cell} AS TIMESTAMPTZ) IS NOT NULL), false) AS c${index}`;
  });
  const [row = {}] = await database.rows<Record<string, boolean>>(
    `SELECT ${stamps.join(", ")} FROM (SELECT * FROM ${callSql({ ...reading, types: new Map() })} LIMIT ${STAMP_SAMPLE})`,
  );
  for (const [index, { name }] of texts.entries()) {
    if (row[`c${index}`] !== true) continue;
    reading.types.set(name, "TIMESTAMPTZ");
    const after = await outputs(database, select, readings);
    // Where it comes out as a text, it stays what is written.
    const kept = after?.size === asFound.size && [...TEXT_COLUMNS].every((column) => after.get(column) === asFound.get(column));
    if (!kept) reading.types.delete(name);
  }
}

interface Deciding {
  readonly select: string;
  readonly readings: readonly Reading[];
  readonly reading: Reading;
  readonly column: Column;
  readonly finding: Finding | undefined;
  readonly asFound: ReadonlyMap<string, string>;
}

/** A column that is calculated with, or compared: a number still, and an exact one. */
async function keepDigits(database: Database, { select, readings, reading, column, finding, asFound }: Deciding): Promise<void> {
  const type = exactType(reading.read, column, finding);
  if (type === undefined) return;
  reading.types.set(column.name, type);
  if ((await outputs(database, select, readings))?.size === asFound.size) return;
  throw new Fatal(
    `Column "${column.name}" of ${reading.read.files} holds values that ${column.type} does not keep, and the SELECT does not take them as ${type}. ` +
      `Say how it is to be read, such as read_csv(…, types = {'${column.name}': '${type}'}), and cast it where it is used.`,
  );
}

function exactType({ options }: FileRead, { type }: Column, finding: Finding | undefined): string | undefined {
  if (!finding || options.some(({ name }) => NUMBER_OPTIONS.has(name))) return undefined;
  if (finding.offsets > 0) return "TIMESTAMPTZ";
  if (finding.wide > 0) {
    if (finding.behind === 0 && finding.decimals === 0) return isWhole(type) ? undefined : "HUGEINT";
    return `DECIMAL(${DECIMAL_DIGITS},${Math.max(0, Math.min(Math.max(finding.behind, 4), MAX_SCALE, DECIMAL_DIGITS - finding.before))})`;
  }
  return finding.decimals > 0 ? "DOUBLE" : undefined;
}

/** What the SELECT gives when its files have these columns, without looking into them. Undefined: it does not fit. */
async function outputs(database: Database, select: string, readings: readonly Reading[]): Promise<ReadonlyMap<string, string> | undefined> {
  const empty = printed(select, readings, ({ columns, types }) => {
    const cells = columns.map(({ name, type }) => `NULL::${types.get(name) ?? type} AS ${identifier(name)}`);
    return `(SELECT ${cells.join(", ")})`;
  });
  const described = await database
    .rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM (${empty}\n)`)
    .catch((error: unknown) => {
      if (error instanceof Error && /^[A-Z][A-Za-z ]* Error:/.test(error.message)) return undefined;
      throw error;
    });
  return described && new Map(described.map(({ column_name, column_type }) => [column_name.toLowerCase(), column_type]));
}

/** Whether reading a column as text made a text of the report one, and nothing else. */
function fitsAsText(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string> | undefined): boolean {
  if (!after) return false;
  const changed = [...before].filter(([name, type]) => isReported(name) && after.get(name) !== type).map(([name]) => name);
  return changed.length > 0 && changed.every((name) => TEXT_COLUMNS.has(name) && after.get(name) === "VARCHAR");
}

/** The SELECT with another text for each of its readings. */
function printed(select: string, readings: readonly Reading[], print: (reading: Reading) => string): string {
  let sql = "";
  let from = 0;
  for (const reading of readings) {
    const { start, end, alias, aliased } = reading.read;
    sql += `${select.slice(from, start)}${print(reading)}${aliased ? "" : ` AS ${alias}`}`;
    from = end;
  }
  return sql + select.slice(from);
}

type Call = Pick<Reading, "read" | "columns" | "types" | "header">;

function callSql({ read, columns, types, header }: Call): string {
  const { format, reader, files } = read;
  const options = read.options.filter(({ name }) => name !== "all_varchar");
  const given = options.filter(({ name }) => types.size === 0 || !TYPE_OPTIONS.has(name)).map(({ name, value }) => `${name} = ${value}`);
  if (types.size === 0) return `${reader}(${[files, ...read.options.map(({ name, value }) => `${name} = ${value}`)].join(", ")})`;
  if (format === "json") {
    const all = columns.map(({ name, type }) => `${literal(name)}: ${literal(types.has(name) ? "VARCHAR" : type)}`);
    const call = `${reader}(${[files, ...given, `columns = {${all.join(", ")}}`].join(", ")})`;
    // Cast behind the reader: by itself it would make a day of a stamp without a look at its offset.
    const casts = [...types]
      .filter(([, type]) => type !== "VARCHAR")
      .map(([name, type]) => `${identifier(name)}::${type} AS ${identifier(name)}`);
    return casts.length === 0 ? call : `(SELECT * REPLACE (${casts.join(", ")}) FROM ${call})`;
  }
  const authors =
    options
      .find(({ name }) => TYPE_OPTIONS.has(name))
      ?.value.trim()
      .replace(/^\{|\}$/g, "")
      .trim() ?? "";
  const mine = [...types].map(([name, type]) => `${literal(name)}: ${literal(type)}`);
  const merged = [...(authors === "" ? [] : [authors]), ...mine];
  return `${reader}(${[files, ...given, ...headerOption(options, header), `types = {${merged.join(", ")}}`].join(", ")})`;
}

/** Every cell of a CSV as the file has it. */
function allTexts({ read: { files, options, reader }, header }: Reading): string {
  const kept = options.filter(({ name }) => !TYPE_OPTIONS.has(name) && !NUMBER_OPTIONS.has(name) && name !== "all_varchar");
  return `${reader}(${[files, ...kept.map(({ name, value }) => `${name} = ${value}`), ...headerOption(options, header), "all_varchar = true"].join(", ")})`;
}

const headerOption = (options: FileRead["options"], header: boolean): readonly string[] =>
  options.some(({ name }) => name === "header") ? [] : [`header = ${header}`];
