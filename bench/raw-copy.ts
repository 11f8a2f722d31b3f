/**
 * The yardstick of report-files: DuckDB alone, in a process of its own, copying the sample shop's lines with their names
 * to CSV, as someone would by hand. Arguments: the shop's folder, the file to write. Prints {"wallMs":…}.
 */
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

const [shop = "", path = ""] = process.argv.slice(2);
const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const connection = await instance.connect();
const startedAt = performance.now();
await connection.run(
  `COPY (
    SELECT order_date, order_id, customer_key, c.name AS customer, product_key, p.name AS product, category, region, country,
           quantity, quantity * unit_price AS revenue, quantity * (unit_price - unit_cost) AS profit
    FROM read_parquet('${join(shop, "order_lines.parquet")}')
    LEFT JOIN read_parquet('${join(shop, "customers.parquet")}') c USING (customer_key)
    LEFT JOIN read_parquet('${join(shop, "products.parquet")}') p USING (product_key)
    ORDER BY order_date, order_id, product_key
  ) TO '${path}' (FORMAT csv, HEADER)`,
);
console.log(JSON.stringify({ wallMs: Math.round(performance.now() - startedAt) }));
connection.closeSync();
instance.closeSync();
