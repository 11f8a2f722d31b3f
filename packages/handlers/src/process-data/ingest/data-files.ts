/**
 * The files a run may read: those of the data folder, by a path relative to it, and never one outside, whatever links
 * lead there; none that is hidden, none that is not data by its ending, none that is known elsewhere under another name.
 * Without a format given, the ending tells it; `.gz` may follow any but Parquet and workbooks.
 *
 * All of it is asked of the opened file, and what was opened is what is read: a name can lead elsewhere a moment later.
 * DuckDB knows names alone, so it gets one in the run's scratch folder, which leads to the descriptor. It refuses it
 * where the file has meanwhile left both folders.
 */
import { randomUUID } from "node:crypto";
import { constants, createWriteStream, globSync, type Stats } from "node:fs";
import { open, readlink, realpath, rm, stat, symlink, type FileHandle } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
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
  xlsx: "xlsx",
  xlsm: "xlsx",
};
const DATA_FILE = /\.(csv|tsv|json|ndjson|jsonl)(\.gz)?$|\.(parquet|xlsx|xlsm)$/i;
/** Folders within the data folder whose files are data sets too. */
const PATTERNS = ["*", "*/*"];

/** To be disposed of once it is read. */
export interface OpenedFile extends DataFile, AsyncDisposable {}

export interface OpenTerms {
  readonly maxFileBytes: number;
  /** Of the run: what DuckDB is given lies in it. */
  readonly scratchFolder: string;
  /** Of the payload, for messages. Default data_source.path. */
  readonly field?: string;
}

/** Refuses what is missing, outside, empty or too large. */
export async function openDataFile(
  dataFolder: string,
  { path, format }: { readonly path: string; readonly format?: FileFormat | undefined },
  { maxFileBytes, scratchFolder, field = "data_source.path" }: OpenTerms,
): Promise<OpenedFile> {
  if (formatOf(path) === undefined)
    throw invalid(field, `"${path}" is no data by its name; data ends in .${Object.keys(ENDINGS).join(", .")}, perhaps with .gz`);
  const folder = await realpath(dataFolder).catch(() => resolve(dataFolder));
  const opened = await openWithin(folder, path);
  if (!opened) {
    const known = dataFileNames(folder);
    throw invalid(
      field,
      `there is no file "${path}" in the data folder${known.length > 0 ? `; there are ${listed(known)}` : ", which holds no data"}`,
    );
  }
  const { file, stats } = opened;
  try {
    const described = describe(stats, path, { format, maxFileBytes, field });
    // A hard link may be a file from anywhere on the disk.
    if (stats.nlink > 1)
      throw invalid(field, `"${path}" has other names on this disk (hard links), so it may be no file of this folder; copy it`);
    const name = join(resolve(scratchFolder), `data-${randomUUID()}${/(?:\.[a-z]+)?\.[a-z]+$/i.exec(path)![0].toLowerCase()}`);
    await nameFor(file, name);
    return {
      ...described,
      path: name,
      async [Symbol.asyncDispose]() {
        await rm(name, { force: true });
        await file.close();
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Undefined for a file outside, or for one that is no data, as for one that is not there: what exists elsewhere is
 * nobody's business. A fifo is opened without waiting for who writes it, and found to be no file.
 */
async function openWithin(folder: string, path: string): Promise<{ readonly file: FileHandle; readonly stats: Stats } | undefined> {
  const real = await realpath(resolve(folder, path)).catch(() => undefined);
  if (real === undefined || !isWithin(folder, real)) return undefined;
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
  const file = await open(real, flags).catch(() => undefined);
  if (!file) return undefined;
  try {
    // Its names are counted before it is asked where it is: a hard link that is gone again would leave one, and not here.
    const stats = await file.stat();
    const place = await placeOf(file, real);
    if (place !== undefined && isWithin(folder, place)) return { file, stats };
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

const isWithin = (folder: string, real: string): boolean => real.startsWith(folder + sep) && isData(real.slice(folder.length + 1));

/** Where the opened file is; where the system does not tell that, the name it was opened by, if that still leads to it. */
async function placeOf(file: FileHandle, name: string): Promise<string | undefined> {
  const told = await readlink(descriptor(file)).catch(() => undefined);
  if (told !== undefined) return told;
  const [real, stats] = await Promise.all([realpath(name).catch(() => undefined), file.stat()]);
  const now = real === undefined ? undefined : await stat(real).catch(() => undefined);
  return now?.dev === stats.dev && now.ino === stats.ino ? real : undefined;
}

const descriptor = ({ fd }: FileHandle): string => `/proc/self/fd/${fd}`;

/** A name that leads to the opened file, and to no other; where there can be none, a copy of it. */
async function nameFor(file: FileHandle, name: string): Promise<void> {
  if (
    await readlink(descriptor(file)).then(
      () => true,
      () => false,
    )
  )
    await symlink(descriptor(file), name);
  else await pipeline(file.createReadStream({ start: 0, autoClose: false }), createWriteStream(name, { flags: "wx", mode: 0o600 }));
}

/** By its path below the data folder, its links resolved. */
const isData = (path: string): boolean => !path.split(sep).some((part) => part.startsWith(".")) && formatOf(path) !== undefined;

interface DescribeTerms {
  readonly format: FileFormat | undefined;
  readonly maxFileBytes: number;
  readonly field: string;
}

/** A file of the run's own. */
export async function describeFile(path: string, name: string, terms: DescribeTerms): Promise<DataFile> {
  return { ...describe(await stat(path), name, terms), path };
}

function describe(stats: Stats, name: string, { format, maxFileBytes, field }: DescribeTerms): Omit<DataFile, "path"> {
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
  return { name, format: found, sizeBytes: stats.size };
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
