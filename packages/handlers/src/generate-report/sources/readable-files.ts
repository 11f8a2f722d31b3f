/**
 * Files of a mapping as files that DuckDB reads: text in another encoding as UTF-8, a sheet of a workbook as CSV. Copies
 * are made only where they have to be; a file that is named twice is copied once. What was found out is said.
 *
 * A workbook is named as any file is, `FROM 'orders.xlsx'`, or `read_xlsx('orders.xlsx', sheet = 'May')`; an encoding by
 * `read_csv('orders.csv', encoding = 'windows-1252')`, where it is not to be found out.
 */
import { globSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { relative, sep } from "node:path";
import { Fatal } from "@streamer/core";
import { literal } from "../../duckdb/sql.ts";
import { encodingWarning, workbookWarnings } from "../../files/found.ts";
import { ENCODINGS, tableFile, UnreadableFile, type TableFile } from "../../files/table-file.ts";
import type { Warning } from "../../warnings.ts";
import type { ReportMapping, SourceName } from "../mapping.ts";
import { fileReads, type FileRead } from "./file-reads.ts";

export interface ReadableTerms {
  readonly dataFolder: string;
  /** Copies are made here. */
  readonly scratchFolder: string;
  readonly signal: AbortSignal;
}

export interface ReadableMapping {
  readonly mapping: ReportMapping;
  readonly warnings: readonly Warning[];
}

/** Of a copy: more than any shop's file, and less than a disk. */
const MAX_COPY_BYTES = 8_000_000_000;
const TEXT = /'((?:[^']|'')*)'/g;
/** What DuckDB unpacks itself, and is UTF-8 or refused. */
const LEFT_TO_DUCKDB = /\.zst$/i;

export async function readableMapping(mapping: ReportMapping, terms: ReadableTerms): Promise<ReadableMapping> {
  const files = readableFiles(terms);
  const sources: Record<SourceName, string> = { ...mapping.sources };
  for (const name of Object.keys(sources) as SourceName[]) sources[name] = await files.within(sources[name]);
  return { mapping: { ...mapping, sources }, warnings: files.warnings };
}

function readableFiles({ dataFolder, scratchFolder, signal }: ReadableTerms) {
  const warnings: Warning[] = [];
  const copies = new Map<string, Promise<TableFile>>();

  async function readable(path: string, read: FileRead): Promise<string> {
    const [encoding, sheet] = [textOption(read, "encoding"), textOption(read, "sheet")];
    const folder = await realpath(dataFolder);
    const real = await realpath(path);
    // What lies elsewhere DuckDB is to refuse.
    if (!real.startsWith(folder + sep)) return path;
    const name = relative(folder, real);
    const kind = read.format === "xlsx" ? "xlsx" : "text";
    const key = JSON.stringify([real, kind, encoding, sheet]);
    const known = copies.get(key);
    const copying =
      known ??
      tableFile({ path: real, name, kind, encoding, sheet, folder: scratchFolder, maxBytes: MAX_COPY_BYTES, signal }).catch(explained);
    copies.set(key, copying);
    const found = await copying;
    if (!known) warnings.push(...warningsOf(name, found));
    return found.path === real ? path : found.path;
  }

  async function sqlOf(read: FileRead): Promise<string | undefined> {
    const paths = pathsOf(read);
    if (!paths) return undefined;
    const found: string[] = [];
    for (const path of paths) found.push(await readable(path, read));
    if (read.format !== "xlsx" && found.every((path, index) => path === paths[index])) return undefined;
    const reader = read.format === "xlsx" ? "read_csv" : read.reader;
    const kept = read.options.filter(({ name }) => name !== "encoding" && name !== "sheet");
    const options = [...kept.map(({ name, value }) => `${name} = ${value}`), ...(read.format === "xlsx" ? WORKBOOK_OPTIONS : [])];
    const call = `${reader}(${[`[${found.map(literal).join(", ")}]`, ...options].join(", ")})`;
    return read.aliased ? call : `${call} AS ${read.alias}`;
  }

  return {
    warnings,
    async within(select: string): Promise<string> {
      let sql = "";
      let from = 0;
      for (const read of fileReads(select)) {
        const other = await sqlOf(read);
        if (other === undefined) continue;
        sql += select.slice(from, read.start) + other;
        from = read.end;
      }
      return sql + select.slice(from);
    },
  };
}

const WORKBOOK_OPTIONS = ["header = true", "delim = ','", `quote = '"'`];

/** The files that are read, patterns spelled out; undefined where the SQL computes them, or DuckDB is to read them itself. */
function pathsOf(read: FileRead): readonly string[] | undefined {
  const texts = Array.from(read.files.matchAll(TEXT), ([, text = ""]) => text.replaceAll("''", "'"));
  if (read.files.replaceAll(TEXT, "").replaceAll(/[[\],\s]/g, "") !== "") return undefined;
  const encoding = textOption(read, "encoding");
  if (encoding !== undefined && !ENCODINGS.some((known) => known === encoding)) return undefined;
  const paths = texts.flatMap((text) => (/[*?[]/.test(text) ? globSync(text).toSorted() : globSync(text)));
  return paths.length === 0 || paths.some((path) => LEFT_TO_DUCKDB.test(path)) ? undefined : paths;
}

/** The text that an option is given, in small letters for an encoding's name. */
function textOption({ options }: FileRead, wanted: "encoding" | "sheet"): string | undefined {
  const given = options.find(({ name }) => name === wanted)?.value.trim();
  const text = given === undefined ? undefined : /^'((?:[^']|'')*)'$/.exec(given)?.[1]?.replaceAll("''", "'");
  return wanted === "encoding" ? text?.toLowerCase() : text;
}

function warningsOf(name: string, found: TableFile): readonly Warning[] {
  if (found.kind === "xlsx") return workbookWarnings(name, found, "read_xlsx(…, sheet = '…') in the mapping");
  return found.detected === "content" ? encodingWarning(name, found.encoding, "read_csv(…, encoding = '…') in the mapping") : [];
}

function explained(error: unknown): never {
  if (!(error instanceof UnreadableFile)) throw error;
  const remedy =
    error.setting === undefined ? "" : ` (in the mapping: read_${error.setting === "sheet" ? "xlsx" : "csv"}(…, ${error.setting} = '…'))`;
  throw new Fatal(`${error.message}${remedy}.`, { cause: error });
}
