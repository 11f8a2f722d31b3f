/** What a row holds, in bytes, and how much of it is counted for its user (P14). A row of before it was counted holds none. */
import type { RequestRow } from "./rows.ts";

/** What is not counted yet of a request that runs: less than a write of the count would be worth. */
const UNCOUNTED_BYTES = 4_096;

/** Of a row that is about to be written: what it holds is counted when that is over, or has become much. */
export function withCount(row: RequestRow): RequestRow {
  const { bytes, bytes_counted: counted = 0 } = row;
  if (bytes === undefined || (row.ended_at === undefined && Math.abs(bytes - counted) < UNCOUNTED_BYTES)) return row;
  return { ...row, bytes_counted: bytes };
}

/** What the count of its user has of a row. */
export const countedIn = (row: RequestRow | undefined): number => (row?.bytes_counted ?? 0) + (row?.file_bytes ?? 0);

/** The row that holds so many bytes more. */
export const withBytes = (row: RequestRow, more: number): RequestRow => (more === 0 ? row : { ...row, bytes: (row.bytes ?? 0) + more });
