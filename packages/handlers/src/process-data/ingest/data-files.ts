/**
 * The files a run may read: those of the data folder, by a path relative to it, and never one outside, whatever links
 * lead there; none that is hidden, none that is not data by its ending, none that is known elsewhere under another name.
 * Without a format given, the ending tells it; `.gz` may follow any but Parquet.
 */
import { globSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { FILE_FORMATS, type FileFormat } from "../input.ts";
import { invalid, listed } from "../problem.ts";
import { megabytes } from "../progress.ts";

export interface DataFile {
  readonly path: string;
  /** As the user named it: for messages. */
  readonly name: string;
  readonly format: FileFormat;
  readonly sizeBytes: number;
}

const ENDINGS: Readonly<Record<string, FileFormat>> = {
  csv: "csv",
  tsv: "csv",
  txt: "csv",
  json: "json",
  ndjson: "ndjson",
  jsonl: "ndjson",
  parquet: "parquet",
};
const DATA_FILE = /\.(csv|tsv|json|ndjson|jsonl)(\.gz)?$|\.parquet$/i;
/** Folders within the data folder whose files are data sets too. */
const PATTERNS = ["*", "*/*"];

/** Refuses what is missing, outside, empty or too large; `field` is the payload's, for the message. */
export async function locateFile(
  dataFolder: string,
  { path, format }: { readonly path: string; readonly format?: FileFormat | undefined },
  { maxFileBytes, field = "data_source.path" }: { readonly maxFileBytes: number; readonly field?: string },
): Promise<DataFile> {
  if (formatOf(path) === undefined)
    throw invalid(field, `"${path}" is no data by its name; data ends in .${Object.keys(ENDINGS).join(", .")}, perhaps with .gz`);
  const folder = await realpath(dataFolder).catch(() => resolve(dataFolder));
  const real = await realpath(resolve(folder, path)).catch(() => undefined);
  // The same words for a file outside, and for one that is no data, as for one that is not there: what exists elsewhere is
  // nobody's business.
  if (real === undefined || !real.startsWith(folder + sep) || !isData(real.slice(folder.length + 1))) {
    const known = dataFileNames(folder);
    throw invalid(
      field,
      `there is no file "${path}" in the data folder${known.length > 0 ? `; there are ${listed(known)}` : ", which holds no data"}`,
    );
  }
  const file = await describeFile(real, path, { format, maxFileBytes, field });
  // A hard link may be a file from anywhere on the disk.
  if ((await stat(real)).nlink > 1)
    throw invalid(field, `"${path}" has other names on this disk (hard links), so it may be no file of this folder; copy it`);
  return file;
}

/** By its path below the data folder, its links resolved. */
const isData = (path: string): boolean => !path.split(sep).some((part) => part.startsWith(".")) && formatOf(path) !== undefined;

/** A file whose place is known already. */
export async function describeFile(
  path: string,
  name: string,
  { format, maxFileBytes, field }: { readonly format: FileFormat | undefined; readonly maxFileBytes: number; readonly field: string },
): Promise<DataFile> {
  const stats = await stat(path);
  if (!stats.isFile()) throw invalid(field, `"${name}" is not a file`);
  if (stats.size === 0) throw invalid(field, `"${name}" is empty: there is nothing to learn from`);
  if (stats.size > maxFileBytes) {
    throw invalid(
      field,
      `"${name}" has ${megabytes(stats.size)}, more than the ${megabytes(maxFileBytes)} a run may read; split it, or ask for fewer columns as Parquet`,
    );
  }
  const found = format ?? formatOf(name);
  if (!found) throw invalid("data_source.format", `the name "${name}" does not tell its format; give one of ${FILE_FORMATS.join(", ")}`);
  return { path, name, format: found, sizeBytes: stats.size };
}

function formatOf(name: string): FileFormat | undefined {
  const ending = /\.([a-z]+)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase();
  return ending === undefined ? undefined : ENDINGS[ending];
}

/** Data files of the folder and of the folders in it, by their relative paths. */
export function dataFileNames(folder: string): readonly string[] {
  return PATTERNS.flatMap((pattern) => globSync(pattern, { cwd: folder }))
    .filter((name) => DATA_FILE.test(name))
    .toSorted();
}

/**
 * The data sets SQL may name, each with its file: "penguins" for penguins.csv, "2024/sales" for 2024/sales.csv.gz, and
 * the file's own path beside it. A short name that two files share belongs to neither.
 */
export function dataSets(folder: string): ReadonlyMap<string, string> {
  const names = dataFileNames(folder);
  const short = (name: string): string => name.replace(DATA_FILE, "");
  const unique = names.filter((name) => names.filter((other) => short(other) === short(name)).length === 1);
  return new Map([...unique.map((name) => [short(name), name] as const), ...names.map((name) => [name, name] as const)]);
}
