/**
 * What each source must and may give. Columns a shop does not have are left out of its reports, not invented.
 */
import { Fatal } from "@streamer/core";
import { csvTrouble } from "./sources/csv-trouble.ts";
import type { Database } from "../duckdb/database.ts";
import type { ReportMapping, SourceName } from "./mapping.ts";

const REQUIRED: Readonly<Record<SourceName, readonly string[]>> = {
  transactions: ["order_date", "order_id", "product_key", "customer_key", "quantity", "revenue"],
  customers: ["customer_key", "customer"],
  products: ["product_key", "product", "category"],
};
const OPTIONAL: Readonly<Record<SourceName, readonly string[]>> = {
  transactions: ["profit", "region", "country"],
  customers: ["region", "country"],
  products: [],
};

/** Column name to DuckDB type, by source. */
export type SourceColumns = Readonly<Record<SourceName, ReadonlyMap<string, string>>>;

/** Asks DuckDB what the mapping's SELECTs give, and refuses a mapping that lacks a column, naming all it lacks. */
export async function describeSources(database: Database, mapping: ReportMapping): Promise<SourceColumns> {
  return {
    transactions: await describe(database, mapping, "transactions"),
    customers: await describe(database, mapping, "customers"),
    products: await describe(database, mapping, "products"),
  };
}

async function describe(database: Database, mapping: ReportMapping, source: SourceName): Promise<ReadonlyMap<string, string>> {
  const described = await explained(source, () =>
    database.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM (${mapping.sources[source]}\n)`),
  );
  const columns = new Map(described.map(({ column_name, column_type }) => [column_name.toLowerCase(), column_type]));
  const missing = REQUIRED[source].filter((column) => !columns.has(column));
  if (missing.length > 0) {
    throw new Fatal(
      `The mapping's "${source}" gives no ${missing.join(", no ")}. It has to give ${REQUIRED[source].join(", ")}` +
        `${OPTIONAL[source].length > 0 ? ` and may give ${OPTIONAL[source].join(", ")}` : ""}: name columns with AS.`,
    );
  }
  return columns;
}

/** Names the source in what DuckDB says about a mapping's SQL. */
export async function explained<T>(source: SourceName, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = duckdbReason(error);
    if (reason === undefined) throw error;
    throw new Fatal(`The mapping's "${source}" could not be read: ${reason}`, { cause: error });
  }
}

/** An error as it may be shown to whoever asked for the report. */
export function withoutPaths(error: unknown): unknown {
  const reason = duckdbReason(error);
  return reason === undefined ? error : new Error(`The report's database failed: ${reason}`, { cause: error });
}

/** DuckDB's own words, but for what it says of a line of CSV: the first line, without the folders of the server's disk: a file's own name is enough to find it. */
function duckdbReason(error: unknown): string | undefined {
  if (!(error instanceof Error) || !/^[A-Z][A-Za-z -]* Error: /.test(error.message)) return undefined;
  const trouble = csvTrouble(error.message);
  if (trouble !== undefined) return trouble;
  const reason = (error.message.split("\n")[0] ?? "").replaceAll(/(?<=["'\s])\/[^"'\s]*\/(?=[^"'\s/]*)/g, "");
  return reason.startsWith("Out of Memory") ? `${reason}. Give generate_report more with its option memoryMb` : reason;
}
