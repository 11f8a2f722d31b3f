/**
 * The errors of process_data. Each says what is wrong (column, row or option) and what to do about it; none is worth a
 * retry, because the same data would fail again.
 */
import { Fatal } from "@streamer/core";

/** The request is at fault: the path names the field, as the schema's own issues do. */
export function invalid(path: string, message: string): Fatal {
  const parts = path.split(".");
  return new Fatal(`${path}: ${message}`, { code: "VALIDATION_ERROR", details: { issues: [{ path: parts, message }] } });
}

/** The data is at fault. */
export function unusable(message: string, details?: ConstructorParameters<typeof Fatal>[1]): Fatal {
  return new Fatal(message, { code: "PROCESSING_FAILED", ...details });
}

/** Names to choose from, shortened: an error is read by people. */
export function listed(names: readonly string[], most = 12): string {
  const shown = names.slice(0, most).map((name) => `"${name}"`);
  return names.length > most ? `${shown.join(", ")} and ${names.length - most} more` : shown.join(", ");
}

const DUCKDB_ERROR = /^[A-Z][A-Za-z -]* Error: /;

/** DuckDB's own words, first line, without the folders of the server's disk; undefined when it was not DuckDB. */
export function duckdbReason(error: unknown): string | undefined {
  if (!(error instanceof Error) || !DUCKDB_ERROR.test(error.message)) return undefined;
  return (error.message.split("\n")[0] ?? "").replaceAll(/(?<=["'\s])\/[^"'\s]*\/(?=[^"'\s/]*)/g, "").slice(0, 500);
}

/** An error as it may be shown to whoever asked. */
export function withoutPaths(error: unknown): unknown {
  const reason = duckdbReason(error);
  if (reason === undefined) return error;
  if (reason.startsWith("Out of Memory")) {
    return unusable(
      `The data does not fit the memory of a run (${reason.slice(0, 120)}…). Use fewer columns or rows, or give the handler more with its option memoryMb.`,
      {
        cause: error,
      },
    );
  }
  return new Error(`The run's database failed: ${reason}`, { cause: error });
}
