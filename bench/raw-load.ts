/**
 * The yardstick of process-data: DuckDB alone, in a process of its own, loading a CSV into a table of a file with its
 * defaults, as someone would by hand. Arguments: the CSV, the database file. Prints {"wallMs":…,"cpuMs":…}.
 */
import { DuckDBInstance } from "@duckdb/node-api";

const [csv = "", path = ""] = process.argv.slice(2);
const instance = await DuckDBInstance.create(path, { threads: "2" });
const connection = await instance.connect();
const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
await connection.run(`CREATE TABLE loaded AS SELECT * FROM read_csv('${csv}')`);
const { user, system } = process.cpuUsage(cpuBefore);
console.log(JSON.stringify({ wallMs: Math.round(performance.now() - startedAt), cpuMs: Math.round((user + system) / 1_000) }));
connection.closeSync();
instance.closeSync();
