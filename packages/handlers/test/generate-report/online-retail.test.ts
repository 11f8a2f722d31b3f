import { DuckDBInstance } from "@duckdb/node-api";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MAPPINGS, realData, report, totalsOf } from "./shops.ts";

const dataFolder = realData("online-retail");

it("counts dirty rows as the mapping says: cancellations reduce revenue, fees and samples are left out", async () => {
  if (dataFolder === undefined) return expect(realData("online-retail")).toBeUndefined();
  const payload = { start_date: "2010-12-01", end_date: "2011-12-09", report_type: "custom" };
  const { result, path } = await report({ dataFolder, mappingFile: join(MAPPINGS, "online-retail.json") }, payload);
  const connection = await (await DuckDBInstance.create()).connect();
  const rows = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE AS lines, count(DISTINCT InvoiceNo)::DOUBLE AS orders, count(DISTINCT CustomerID)::DOUBLE AS customers,
            sum(Quantity)::DOUBLE AS units, sum(Quantity * UnitPrice)::DOUBLE AS revenue,
            count(*) FILTER (Quantity < 0)::DOUBLE AS returned_lines
     FROM read_parquet($1) WHERE StockCode SIMILAR TO '[0-9]{5}.*' AND UnitPrice > 0`,
    [join(dataFolder, "online_retail_export.parquet")],
  );
  const [expected] = rows.getRowObjects();
  const { revenue, ...counts } = expected as Record<string, number>;
  expect(totalsOf(result)).toMatchObject(counts);
  expect(Math.abs(totalsOf(result).revenue - (revenue ?? 0))).toBeLessThan(0.01);
  expect(result.stats.periods).toBe(13);
  const [header, ...lines] = (await readFile(path, "utf8")).trim().split("\n");
  expect(header).toBe("order_date,order_id,customer_key,customer,product_key,product,category,country,quantity,revenue");
  expect(lines.some((line) => /,C\d+,/.test(line))).toBe(true);
  connection.closeSync();
});
