/** What the rows of each cluster are like, in the columns' own units. */
import type { JsonObject } from "@streamer/protocol";
import type { Database } from "../../duckdb/database.ts";
import type { InputColumn } from "../preprocess/columns.ts";

/** A result is read by people, and bounded: clusters times columns. */
const MOST_CELLS = 600;
const MOST_COLUMNS = 30;

export interface ClusterProfile {
  readonly cluster: number;
  readonly rows: number;
  readonly columns: Readonly<Record<string, JsonObject>>;
}

export async function clusterProfiles(
  database: Database,
  inputs: readonly InputColumn[],
  clusters: number,
): Promise<readonly ClusterProfile[]> {
  const shown = inputs.slice(0, Math.max(1, Math.min(MOST_COLUMNS, Math.floor(MOST_CELLS / Math.max(1, clusters)))));
  const parts = shown.flatMap(({ cell, kind }, index) => {
    if (kind === "text") {
      const most = `mode(${cell})`;
      return [`${most} AS a${index}`, `histogram(${cell})[${most}]::DOUBLE / count(*) AS b${index}`];
    }
    const written = (value: string): string =>
      kind === "date" ? `strftime(make_timestamp((${value} * 1000000)::BIGINT), '%Y-%m-%d')` : `${value}::DOUBLE`;
    return [`${written(`avg(${cell})`)} AS a${index}`, `${written(`quantile_cont(${cell}, 0.5)`)} AS b${index}`];
  });
  const found = await database.rows<Record<string, string | number | null>>(
    `SELECT cluster::DOUBLE AS cluster, count(*)::DOUBLE AS rows, ${parts.join(", ")} FROM scores JOIN clean USING (row) GROUP BY cluster ORDER BY cluster`,
  );
  return found.map((row) => ({
    cluster: row["cluster"] as number,
    rows: row["rows"] as number,
    columns: Object.fromEntries(
      shown.map(({ name, kind }, index) => {
        const [first = null, second = null] = [row[`a${index}`], row[`b${index}`]];
        return [name, kind === "text" ? { most_common: first, share: second } : { mean: first, median: second }];
      }),
    ),
  }));
}
