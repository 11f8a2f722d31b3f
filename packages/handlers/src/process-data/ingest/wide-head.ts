/**
 * A file of a million columns would keep DuckDB busy for minutes before anyone could say no. Its first line is enough to
 * see it, gunzipped or not.
 */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { MAX_COLUMNS, tooManyColumns } from "../input.ts";
import { invalid } from "../problem.ts";
import type { DataFile } from "./data-files.ts";

/** 2,000 columns with names of 200 characters fit four times. */
const MAX_HEAD_BYTES = 2_000_000;
const NEWLINE = 0x0a;
const DELIMITERS = [",", ";", "\t", "|"];

export interface HeadTerms {
  /** Of CSV, when it is given. */
  readonly delimiter: string | undefined;
  readonly signal: AbortSignal;
  readonly field: string;
}

export async function refuseWideHead(file: DataFile, { delimiter, signal, field }: HeadTerms): Promise<void> {
  if (file.format !== "csv" && file.format !== "ndjson") return;
  const head = await firstLine(file.path, signal);
  if (head === undefined) {
    throw invalid(
      field,
      `the first line of "${file.name}" is longer than ${MAX_HEAD_BYTES / 1_000_000} MB: this is not a table of rows, or it has far too many columns`,
    );
  }
  const separators = file.format === "csv" ? (delimiter === undefined ? DELIMITERS : [delimiter]) : ['":'];
  const columns = Math.max(...separators.map((separator) => head.split(separator).length));
  if (columns > MAX_COLUMNS + 1) {
    throw invalid(field, tooManyColumns(`"${file.name}"`, `about ${columns.toLocaleString("en-US")}`));
  }
}

/** Undefined when no line ends within the bytes allowed. */
async function firstLine(path: string, signal: AbortSignal): Promise<string | undefined> {
  const raw = createReadStream(path, { signal });
  const source = path.endsWith(".gz") ? raw.pipe(createGunzip()) : raw;
  raw.on("error", (error) => source.destroy(error));
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of source as AsyncIterable<Buffer>) {
      const end = part.indexOf(NEWLINE);
      parts.push(end === -1 ? part : part.subarray(0, end));
      bytes += part.length;
      if (end !== -1) break;
      if (bytes > MAX_HEAD_BYTES) return undefined;
    }
  } catch (error) {
    signal.throwIfAborted();
    // A broken archive: DuckDB will say what is wrong with it.
    if ((error as NodeJS.ErrnoException).code?.startsWith("Z_")) return "";
    throw error;
  } finally {
    raw.destroy();
  }
  return Buffer.concat(parts).toString("utf8");
}
