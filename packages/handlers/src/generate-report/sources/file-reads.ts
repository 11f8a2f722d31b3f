/**
 * Where a SELECT reads a CSV or JSON file, or a workbook: by a call of one of DuckDB's readers, or by nothing but its name after FROM
 * or JOIN. Found by the tokens of the SQL, so that texts, comments and names that look alike stay what they are.
 */
import { basename } from "node:path";
import { identifier } from "../../duckdb/sql.ts";

interface ReaderOption {
  /** In small letters. */
  readonly name: string;
  readonly value: string;
}

export interface FileRead {
  /** The part of the SQL that reads it. */
  readonly start: number;
  readonly end: number;
  readonly format: "csv" | "json" | "xlsx";
  /** The function of DuckDB that reads it. */
  readonly reader: string;
  /** As the SQL writes them: a text or a list of texts. */
  readonly files: string;
  readonly options: readonly ReaderOption[];
  /** How DuckDB calls it where the SELECT gives no other name. */
  readonly alias: string;
  readonly aliased: boolean;
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const TOKEN = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:[^"]|"")*"|'(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_]*|\S/g;
const READERS: Readonly<Record<string, FileRead["format"]>> = {
  read_csv: "csv",
  read_csv_auto: "csv",
  read_json: "json",
  read_json_auto: "json",
  read_ndjson: "json",
  read_ndjson_auto: "json",
  read_xlsx: "xlsx",
};
const FORMATS = { csv: /\.(?:csv|tsv)(?:\.gz|\.zst)?$/i, json: /\.(?:json|jsonl|ndjson)(?:\.gz|\.zst)?$/i, xlsx: /\.xls[xm]$/i } as const;
/** Words that begin another clause than FROM: a text there is no file. */
const CLAUSES = new Set(["select", "where", "group", "having", "qualify", "order", "limit", "window", "values", "set"]);
/** What may follow a table that has no other name. */
const NO_ALIAS = new Set(
  "join inner left right full cross natural asof semi anti positional on using union except intersect tablesample pivot unpivot offset fetch with"
    .split(" ")
    .concat([...CLAUSES]),
);

export function fileReads(sql: string): readonly FileRead[] {
  const tokens = tokensOf(sql);
  const reads: FileRead[] = [];
  // One clause for each open bracket: a subquery has clauses of its own.
  const clauses: ("from" | "condition" | "other")[] = ["other"];
  for (let at = 0; at < tokens.length; at += 1) {
    const { text } = tokens[at]!;
    const word = text.toLowerCase();
    const format = READERS[word];
    if (format && tokens[at + 1]?.text === "(") {
      const call = readCall(sql, tokens, at, format);
      if (call) reads.push(call.read);
      at = call?.last ?? at;
    } else if (text.startsWith("'") && clauses.at(-1) === "from" && isTable(tokens[at - 1])) {
      const named = readName(tokens, at);
      if (named) reads.push(named);
    } else if (text === "(") clauses.push(clauses.at(-1) === "from" && isTable(tokens[at - 1]) ? "from" : "other");
    else if (text === ")") clauses.pop();
    else if (word === "from" || word === "join") clauses[clauses.length - 1] = "from";
    else if (word === "on" || word === "using") clauses[clauses.length - 1] = "condition";
    else if (word === "," && clauses.at(-1) === "condition") clauses[clauses.length - 1] = "from";
    else if (CLAUSES.has(word)) clauses[clauses.length - 1] = "other";
  }
  return reads;
}

function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const { 0: text, index } of sql.matchAll(TOKEN)) {
    if (!text.startsWith("--") && !text.startsWith("/*")) tokens.push({ text, start: index, end: index + text.length });
  }
  return tokens;
}

/** Whether a table may stand behind this token of a FROM clause. */
const isTable = (before: Token | undefined): boolean => /^(?:from|join|,|\()$/i.test(before?.text ?? "");

function readName(tokens: readonly Token[], at: number): FileRead | undefined {
  const { text, start, end } = tokens[at]!;
  const path = text.slice(1, -1).replaceAll("''", "'");
  const format = (["csv", "json", "xlsx"] as const).find((name) => FORMATS[name].test(path));
  if (!format) return undefined;
  // DuckDB calls a file by its name up to the first dot, and a pattern by all of it.
  const alias = /[*?[]/.test(path) ? path : (basename(path).split(".")[0] ?? path);
  return {
    start,
    end,
    format,
    reader: `read_${format}`,
    files: text,
    options: [],
    alias: identifier(alias),
    aliased: hasAlias(tokens[at + 1]),
  };
}

function hasAlias(after: Token | undefined): boolean {
  return after !== undefined && /^["A-Za-z_]/.test(after.text) && !NO_ALIAS.has(after.text.toLowerCase());
}

/** The call from its name to its closing bracket; undefined when it is none that can be added to. */
function readCall(
  sql: string,
  tokens: readonly Token[],
  at: number,
  format: FileRead["format"],
): { read: FileRead; last: number } | undefined {
  const last = closingBracket(tokens, at + 1);
  if (last === undefined) return undefined;
  const [files, ...rest] = argumentsOf(tokens.slice(at + 2, last)).map((given) => ({
    given,
    text: sql.slice(given[0]!.start, given.at(-1)!.end),
  }));
  if (!files) return undefined;
  const options: ReaderOption[] = [];
  for (const { given, text } of rest) {
    const [name, sign, second] = given;
    if (!name || !sign || !/^[=:]$/.test(sign.text)) return undefined;
    const value = second && (second.text === "=" || second.text === ">") ? given[3] : second;
    if (!value) return undefined;
    options.push({ name: name.text.toLowerCase(), value: text.slice(value.start - name.start) });
  }
  const { start, text } = tokens[at]!;
  const { end } = tokens[last]!;
  const aliased = hasAlias(tokens[last + 1]);
  return { read: { start, end, format, reader: text, files: files.text, options, alias: text.toLowerCase(), aliased }, last };
}

function closingBracket(tokens: readonly Token[], open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    if (tokens[at]!.text === "(") depth += 1;
    if (tokens[at]!.text === ")" && (depth -= 1) === 0) return at;
  }
  return undefined;
}

/** Tokens of each argument, divided at the commas that stand in no bracket. */
function argumentsOf(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const given: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (/^[([{]$/.test(token.text)) depth += 1;
    if (/^[)\]}]$/.test(token.text)) depth -= 1;
    if (token.text === "," && depth === 0) given.push([]);
    else given.at(-1)!.push(token);
  }
  return given.filter((argument) => argument.length > 0);
}
