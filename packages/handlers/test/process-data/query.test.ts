import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startRun } from "../run-handler.ts";
import { dataFolder, failure, flowers, handlerOn, processed, temporaryFolder } from "./runs.ts";

const query = (text: string, config: Record<string, unknown> = {}) => ({
  pipeline: "transformation",
  data_source: { type: "query", query: text, config },
  options: { model: "none" },
});
const folder = () => dataFolder({ "flowers.csv": flowers(90), "2024/more.csv": flowers(30, 2), "sales-1.csv": "a\n1\n2\n3\n4\n" });

describe("a query", () => {
  it.each([
    ["a data set", "SELECT * FROM flowers", 90],
    ["a data set in a folder", 'SELECT * FROM "2024/more"', 30],
    ["a data set by its file", "SELECT * FROM 'sales-1.csv'", 4],
    [
      "a CTE, a join and an aggregate",
      "WITH wide AS (SELECT * FROM flowers WHERE width > 0.5) SELECT colour, kind, avg(w.height) AS h, count(*) AS n FROM wide w JOIN flowers f USING (id, colour, kind) GROUP BY ALL -- the end",
      5,
    ],
    [
      "a recursion that ends",
      "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT i, i * i AS s FROM n",
      50,
    ],
    ["a CTE called like the data set it reads", "WITH flowers AS (SELECT id, width FROM flowers) SELECT * FROM flowers", 90],
    [
      "a CTE within another, known there and after it",
      "WITH a AS (SELECT 1 AS i), b AS (WITH c AS (SELECT i FROM a UNION ALL SELECT 2) SELECT * FROM c) SELECT b.i, (SELECT max(i) FROM A) AS m FROM b UNION ALL SELECT i, i FROM b",
      4,
    ],
    ["rows made by range in FROM", "SELECT i, i % 3 AS m FROM range(20) t(i);", 20],
    ["a union without FROM", "SELECT 1 AS a UNION SELECT 2 UNION SELECT 3 UNION SELECT 4", 4],
  ])("reads %s", async (_, text, rows) => {
    const { result } = await processed(await handlerOn(await folder()), query(text));
    expect(result.rows).toBe(rows);
  });

  const REFUSED: readonly [string, RegExp][] = [
    ["INSERT INTO flowers VALUES (1)", /must be one SELECT/],
    ["UPDATE flowers SET width = 1", /must be one SELECT/],
    ["DELETE FROM flowers", /must be one SELECT/],
    ["DROP TABLE flowers", /must be one SELECT/],
    ["CREATE TABLE x AS SELECT 1", /must be one SELECT/],
    ["SELECT 1; SELECT 2", /must be one SELECT, not 2 statements/],
    ["SELECT 1; DROP TABLE raw", /must be one SELECT/],
    ["SELECT 1) TO 'x.csv'; COPY (SELECT 1", /must be one SELECT/],
    ["WITH gone AS (DELETE FROM flowers RETURNING *) SELECT * FROM gone", /must be one SELECT/],
    ["COPY flowers TO 'stolen.csv'", /must be one SELECT/],
    ["COPY (SELECT 1) TO '/tmp/stolen.csv'", /must be one SELECT/],
    ["EXPORT DATABASE 'x'", /must be one SELECT/],
    ["ATTACH 'other.duckdb' AS other", /must be one SELECT/],
    ["INSTALL httpfs", /must be one SELECT/],
    ["LOAD httpfs", /must be one SELECT/],
    ["PRAGMA database_list", /must be one SELECT/],
    ["SET memory_limit = '100GB'", /must be one SELECT/],
    ["RESET lock_configuration", /must be one SELECT/],
    ["CALL pragma_version()", /must be one SELECT/],
    ["CHECKPOINT", /must be one SELECT/],
    ["VACUUM", /must be one SELECT/],
    ["SHOW TABLES", /must be one SELECT/],
    ["DESCRIBE flowers", /must be one SELECT/],
    ["SUMMARIZE flowers", /must be one SELECT/],
    ["EXPLAIN ANALYZE SELECT 1", /must be one SELECT/],
    ["SELECT * FROM read_csv('/etc/passwd')", /may not use read_csv\(\) in FROM/],
    ["SELECT * FROM read_text('/etc/passwd')", /may not use read_text\(\)/],
    ["SELECT * FROM read_blob('flowers.csv')", /may not use read_blob\(\)/],
    ["SELECT * FROM read_json('http://169.254.169.254/')", /may not use read_json\(\)/],
    ["SELECT * FROM parquet_scan('s3://bucket/key')", /may not use parquet_scan\(\)/],
    ["SELECT * FROM glob('/**')", /may not use glob\(\)/],
    ["SELECT * FROM duckdb_settings()", /may not use duckdb_settings\(\)/],
    ["SELECT * FROM pragma_database_list()", /may not use pragma_database_list\(\)/],
    ["SELECT * FROM query('SELECT 1')", /may not use query\(\)/],
    ["SELECT * FROM query_table('flowers')", /may not use query_table\(\)/],
    ["SELECT * FROM '/etc/passwd'", /reads "\/etc\/passwd", which is not a data set/],
    ["SELECT * FROM '../secrets.csv'", /not a data set/],
    ["SELECT * FROM 'https://example.org/x.csv'", /not a data set/],
    ["SELECT * FROM information_schema.tables", /reads "tables", which is not a data set/],
    ["SELECT * FROM sqlite_master", /not a data set/],
    ["SELECT * FROM pg_catalog.pg_tables", /not a data set/],
    ["SELECT * FROM run.main.raw", /not a data set/],
    ["SELECT (SELECT count(*) FROM other)", /reads "other", which is not a data set; there are "2024\/more", "flowers", "sales-1"/],
    ["SELECT width FROM flowers WHERE EXISTS (SELECT 1 FROM 'x.parquet')", /not a data set/],
    ["WITH duckdb_databases AS (SELECT 1 AS x) SELECT * FROM duckdb_databases", /"duckdb_databases", which is a name of DuckDB's own/],
    [
      "SELECT d.* FROM duckdb_databases d, (WITH duckdb_databases AS (SELECT 1 AS x) SELECT x FROM duckdb_databases) y",
      /reads "duckdb_databases", which is not a data set/,
    ],
    ["WITH a AS (WITH Pg_Class AS (SELECT 1 AS x) SELECT x FROM pg_class) SELECT * FROM a", /"Pg_Class", which is a name of DuckDB's own/],
    ["SELECT * FROM other, (WITH other AS (SELECT 1 AS x) SELECT x FROM other) y", /reads "other", which is not a data set/],
    ["WITH one AS (SELECT * FROM two), two AS (SELECT 1) SELECT * FROM one", /reads "two", which is not a data set/],
    ["WITH one AS (SELECT * FROM one) SELECT * FROM one", /reads "one", which is not a data set/],
    ["SELECT getenv('HOME')", /may not use getenv\(\)/],
    ["SELECT current_setting('temp_directory')", /may not use current_setting\(\)/],
    ["SELECT repeat('x', 3000000000)", /may not use repeat\(\).*unbounded/],
    ["SELECT lpad('x', 2000000000, 'y')", /may not use lpad\(\)/],
    ["SELECT list_sum(range(3000000000))", /may not use range\(\)/],
    ["SELECT * FROM unnest(generate_series(1, 3000000000))", /may not use generate_series\(\)/],
    ["SELEC 1", /must be one SELECT: /],
    ["SELECT depth FROM flowers", /data_source.query: Binder Error.*depth/],
    ["SELECT 'x'::INTEGER FROM flowers", /Conversion Error/],
    ["SELECT * FROM flowers WHERE false", /gives no rows/],
  ];
  it.each(REFUSED)("is refused: %s", async (text, message) => {
    const data = await folder();
    const before = await readdir(data);
    const blobsFolder = await temporaryFolder();
    const run = await startRun(await handlerOn(data), query(text), { blobsFolder });
    const error = await run.result.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "Fatal", code: "VALIDATION_ERROR" });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain(data);
    expect([await readdir(data), await readdir(blobsFolder), existsSync(run.scratchFolder)]).toEqual([before, [], false]);
    expect(existsSync(join(process.cwd(), "stolen.csv"))).toBe(false);
  });

  const ENDLESS: readonly [string, string, Record<string, unknown>, RegExp][] = [
    [
      "recursion without an end",
      "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n",
      { timeout_ms: 700 },
      /longer than 700 ms; narrow it/,
    ],
    [
      "a cross join of everything",
      "SELECT count(*) AS c FROM range(100000000) a, range(100000000) b, flowers",
      { timeout_ms: 700 },
      /longer than 700 ms/,
    ],
    ["more rows than allowed", "SELECT a.i FROM range(1000000) a(i)", { max_rows: 1000 }, /gives more than 1,000 rows; narrow it/],
    [
      "a sort larger than memory and disk",
      "SELECT array_agg(i::VARCHAR) AS a FROM range(200000000) t(i)",
      { timeout_ms: 20_000 },
      /takes more memory than a run may have/,
    ],
  ];
  it.each(ENDLESS)("stops at %s", async (_, text, config, message) => {
    const error = await failure(await handlerOn(await folder(), { memoryMb: 128 }), query(text, config));
    expect(error).toMatchObject({ name: "Fatal", code: "VALIDATION_ERROR" });
    expect(error.message).toMatch(message);
  });

  it("whose process died twice while it ran is not tried a third time", async () => {
    const error = await failure(await handlerOn(await folder()), query("SELECT * FROM flowers"), {
      resumed: { finished: 0, queries: 2 },
      attempt: 3,
    });
    expect(error).toMatchObject({
      code: "VALIDATION_ERROR",
      message: expect.stringContaining("more memory than a run may have") as string,
    });
  });
});
