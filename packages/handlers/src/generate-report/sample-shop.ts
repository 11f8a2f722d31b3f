/**
 * The sample shop: three full years of an online coffee-gear shop, made by DuckDB SQL, so that a fresh clone has real
 * volume to report on. The same rows and seed always give the same shop: every choice is a hash of a row number, never
 * random(). It has what real shops have: growth, seasons, weekly rhythm, returns, customers who buy often and ones who
 * buy once, one category with most of the revenue, and one that starts in mid 2024 (so that earlier months are zero).
 *
 * Written beside its place and renamed, so that a folder is either whole or absent; a second start finds and keeps it.
 */
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import * as z from "zod";
import { SAMPLE_SOURCES, catalogueSql, linesSql } from "./sample-shop-sql.ts";

export interface SampleShopOptions {
  /** Order lines. Default 200,000. Customers are a tenth of it. */
  readonly rows?: number;
  /** Another seed, another shop. Default 1. */
  readonly seed?: number;
  /** Make it anew when the folder holds a sample shop of other rows or seed. Default false: it is kept. */
  readonly replace?: boolean;
}

export interface SampleShop {
  readonly folder: string;
  readonly rows: number;
  readonly seed: number;
  /** False when it was there already. */
  readonly created: boolean;
}

export const SAMPLE_ROWS = 200_000;
/** Above this the order numbers no longer fit their eight digits. */
const MAX_ROWS = 100_000_000;
const MARKER = "sample-shop.json";
const Marker = z.object({ rows: z.number(), seed: z.number() });

/** Writes the sample shop into `folder`, unless it is there. */
export async function writeSampleShop(folder: string, options: SampleShopOptions = {}): Promise<SampleShop> {
  const { rows = SAMPLE_ROWS, seed = 1, replace = false } = options;
  if (!Number.isSafeInteger(rows) || rows < 1 || rows > MAX_ROWS) {
    throw new RangeError(`Sample shop: rows must be a whole number from 1 to ${MAX_ROWS}, not ${rows}.`);
  }
  if (!Number.isSafeInteger(seed)) throw new RangeError(`Sample shop: seed must be a whole number, not ${seed}.`);
  const target = resolve(folder);
  const present = await readMarker(target);
  if (present && (!replace || (present.rows === rows && present.seed === seed))) {
    return { folder: target, ...present, created: false };
  }
  if (!present && (await isOccupied(target))) {
    throw new Error(`Sample shop: ${target} holds other files; name an empty or new folder.`);
  }
  const partial = `${target}.partial-${process.pid}`;
  await mkdir(dirname(target), { recursive: true });
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial);
    await writeFiles(partial, rows, seed);
    await rm(target, { recursive: true, force: true });
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Two servers starting at once make the same shop: whoever renames second finds it there.
    const other = await readMarker(target);
    if (other?.rows === rows && other.seed === seed) return { folder: target, ...other, created: false };
    throw error;
  }
  return { folder: target, rows, seed, created: true };
}

async function readMarker(folder: string): Promise<z.infer<typeof Marker> | undefined> {
  const text = await readFile(join(folder, MARKER), "utf8").catch(() => undefined);
  return text === undefined ? undefined : Marker.parse(JSON.parse(text));
}

async function isOccupied(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length > 0;
}

async function writeFiles(folder: string, rows: number, seed: number): Promise<void> {
  // Row order is what makes two runs give the same bytes, so insertion order is kept; it streams, 1 GB is ample at 5M rows.
  const instance = await DuckDBInstance.create(":memory:", {
    threads: "2",
    memory_limit: "1GB",
    temp_directory: join(folder, "duckdb"),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  try {
    const connection = await instance.connect();
    for (const statement of catalogueSql(rows, seed)) await connection.run(statement);
    await copyTo(connection, "SELECT * FROM products ORDER BY product_key", join(folder, "products.parquet"));
    await copyTo(connection, "SELECT * FROM customers ORDER BY customer_key", join(folder, "customers.parquet"));
    await copyTo(connection, linesSql(rows), join(folder, "order_lines.parquet"));
    connection.closeSync();
  } finally {
    instance.closeSync();
  }
  await rm(join(folder, "duckdb"), { recursive: true, force: true });
  await writeFile(join(folder, MARKER), JSON.stringify({ rows, seed }));
  await writeFile(join(folder, "sources.json"), `${JSON.stringify(SAMPLE_SOURCES, null, 2)}\n`);
}

async function copyTo(connection: DuckDBConnection, select: string, path: string): Promise<void> {
  await connection.run(`COPY (${select}) TO $1`, [path]);
}
