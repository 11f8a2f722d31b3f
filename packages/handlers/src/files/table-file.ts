/**
 * Files as people bring them, as files that DuckDB reads: text in any encoding becomes UTF-8, a sheet of a workbook CSV.
 * Copies are made in the folder given, and only where they have to be. What was found, and what could not be kept, is said.
 */
import { randomUUID } from "node:crypto";
import { extname, join } from "node:path";
import { toUtf8, type Utf8File } from "./to-utf8.ts";
import { sheetToCsv, type SheetFile } from "./xlsx/to-csv.ts";

export { ENCODINGS } from "./encodings.ts";
export { UnreadableFile } from "./unreadable.ts";

export interface TableFileTerms {
  readonly path: string;
  /** As the user named it, for messages. */
  readonly name: string;
  readonly kind: "text" | "xlsx";
  /** Of `ENCODINGS`; detected when absent. */
  readonly encoding?: string | undefined;
  /** Name, or number from 1; the first when absent. */
  readonly sheet?: string | number | undefined;
  /** Copies are made here. */
  readonly folder: string;
  /** Of a copy. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export type TableFile = ({ readonly kind: "text" } & Utf8File) | ({ readonly kind: "xlsx" } & SheetFile);

/** Throws `UnreadableFile`, which says what to do. A workbook becomes CSV: UTF-8, commas, double quotes, names in the first line. */
export async function tableFile(terms: TableFileTerms): Promise<TableFile> {
  const { path, name, maxBytes, signal, folder } = terms;
  const ending = extname(path.replace(/\.gz$/i, "")).toLowerCase();
  const target = join(folder, `table-${randomUUID()}${ending || ".txt"}`);
  if (terms.kind === "text") return { kind: "text", ...(await toUtf8({ path, name, encoding: terms.encoding, target, maxBytes, signal })) };
  return { kind: "xlsx", ...(await sheetToCsv({ path, name, sheet: terms.sheet ?? 1, target: `${target}.csv`, maxBytes, signal })) };
}
