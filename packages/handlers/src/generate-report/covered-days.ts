/** The first and the last day of a shop's data: the period of a report that is asked for without dates. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../duckdb/database.ts";
import { loadMapping } from "./mapping.ts";
import { readableMapping } from "./sources/readable-files.ts";

export interface CoveredDays {
  /** YYYY-MM-DD, both included. */
  readonly first: string;
  readonly last: string;
}

/** A parallel scan of compressed CSV takes 32 MB a buffer; this is one short query, and alone. */
const MEMORY_MB = 512;

/** Undefined when there is no order at all. Rejects when the mapping or the files cannot be read. */
export async function coveredDays(dataFolder: string, mappingFile?: string): Promise<CoveredDays | undefined> {
  const given = await loadMapping(dataFolder, mappingFile);
  const scratchFolder = await mkdtemp(join(tmpdir(), "streamer-days-"));
  const { signal } = new AbortController();
  try {
    const { mapping } = await readableMapping(given, { dataFolder, scratchFolder, signal });
    await using database = await openDatabase({
      dataFolder,
      scratchFolder,
      signal,
      memoryMb: MEMORY_MB,
      timeZone: mapping.time_zone,
    });
    const [row] = await database.rows<{ first: string | null; last: string | null }>(
      `SELECT min(order_date::DATE)::VARCHAR AS first, max(order_date::DATE)::VARCHAR AS last FROM (${mapping.sources.transactions}\n)`,
    );
    return row && row.first !== null && row.last !== null ? { first: row.first, last: row.last } : undefined;
  } finally {
    await rm(scratchFolder, { recursive: true, force: true });
  }
}
