/** A data file as DuckDB can read it: text as UTF-8, a sheet of a workbook as CSV. */
import { tableFile, UnreadableFile } from "../../files/table-file.ts";
import { invalid, unusable } from "../problem.ts";
import type { DataFile } from "./data-files.ts";
import type { FileForm } from "./file-form.ts";
import type { Reading } from "./read-file.ts";

export interface UsableFile {
  readonly file: DataFile;
  readonly form: FileForm;
}

export async function usableFile(file: DataFile, { config, scratchFolder, maxFileBytes, signal }: Reading): Promise<UsableFile> {
  const { path, name, format } = file;
  if (format === "parquet") return { file, form: { name, format, renamed: [] } };
  const kind = format === "xlsx" ? "xlsx" : "text";
  try {
    const { encoding, sheet } = config;
    const found = await tableFile({ path, name, kind, encoding, sheet, folder: scratchFolder, maxBytes: maxFileBytes, signal });
    if (found.kind === "text") {
      const form = { name, format, encoding: found.encoding, encodingFrom: found.detected, renamed: [] };
      return { file: { ...file, path: found.path }, form };
    }
    const { path: csv, kind: _, ...workbook } = found;
    return { file: { ...file, path: csv, format: "csv" }, form: { name, format, workbook, renamed: [] } };
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    throw error.setting === undefined
      ? unusable(error.message, { cause: error })
      : invalid(`data_source.config.${error.setting}`, error.message);
  }
}
