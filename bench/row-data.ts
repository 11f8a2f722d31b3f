/** A table of people to learn from, as CSV. */
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

/** Eight columns of each kind, an id and two targets; the same for the same number of rows. */
export async function writeRows(folder: string, rows: number, name = "rows.csv"): Promise<string> {
  const path = join(folder, name);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`CREATE MACRO u(n, salt) AS (hash(n, salt) % 4294967291) / 4294967291.0`);
  await connection.run(
    `COPY (SELECT *, round(20 + age / 4 + visits * 3 + 10 * u(id, 8), 2) AS spent,
             CASE WHEN u(id, 9) < 1 / (1 + exp(-(score - 1 + visits / 10.0 - CASE city WHEN 'Oslo' THEN 1 ELSE 0 END))) THEN 'yes' ELSE 'no' END AS bought
           FROM (SELECT id, (18 + 60 * u(id, 1))::INT AS age, (20 * pow(u(id, 2), 2))::INT AS visits, CASE WHEN u(id, 3) < 0.03 THEN NULL ELSE round(4 * u(id, 4) - 2, 4) END AS score,
                   ['Oslo', 'Rome', 'Lyon', 'Graz', 'Bern'][1 + (5 * u(id, 5))::INT % 5] AS city, DATE '2024-01-01' + (365 * u(id, 6))::INT AS seen, round(u(id, 7), 4) AS noise
                 FROM range(${rows}) t(id))) TO '${path}' (HEADER)`,
  );
  connection.closeSync();
  instance.closeSync();
  return path;
}
