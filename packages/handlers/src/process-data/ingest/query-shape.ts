/**
 * What a user's SQL is, before any of it runs: DuckDB's own parser prints it as a tree, and the tree is walked. One
 * SELECT over registered data sets and its own CTEs; no file functions, no catalogue, nothing that makes a row or a value
 * out of nothing without bound. The sealed database (run-query.ts) is the wall; this is the door, which also says what is
 * wrong.
 */
import type { Database } from "../../duckdb/database.ts";
import { literal } from "../../duckdb/sql.ts";
import { invalid, listed } from "../problem.ts";

export interface QueryShape {
  /** Data sets the query reads. */
  readonly tables: ReadonlySet<string>;
}

/** Functions in FROM that read nothing and end. */
const TABLE_FUNCTIONS = new Set(["range", "generate_series", "unnest"]);
/**
 * Functions that make gigabytes of one value in one step, where neither a memory limit nor an interrupt reaches, or that
 * look at the server rather than at the data.
 */
const REFUSED_FUNCTIONS =
  /^(repeat|lpad|rpad|range|generate_series|list_resize|array_resize|getenv|getvariable|current_setting|nextval|currval|query|query_table|read_.*|glob|sniff_csv|pg_.*|duckdb_.*|pragma_.*|sleep.*|txid_current|current_(database|schema|schemas|query)|set_bit|bitstring|write_log|parse_duckdb_log_message|json_execute_serialized_sql)$/;

type Node = Readonly<Record<string, unknown>>;
const FIELD = "data_source.query";

export async function queryShape(database: Database, query: string, known: readonly string[]): Promise<QueryShape> {
  const statement = await parse(database, query);
  const views = await database.rows<{ name: string }>(
    "SELECT view_name AS name FROM duckdb_views() WHERE internal AND schema_name IN ('main', 'pg_catalog')",
  );
  const tables = new Set<string>();
  const reserved = new Set(views.map(({ name }) => name.toLowerCase()));
  for (const found of nodes(statement, NO_CTES)) check(found, { tables, known, reserved });
  return { tables };
}

async function parse(database: Database, query: string): Promise<Node> {
  // Constant folding wants a literal here, no parameter.
  const [row] = await database.rows<{ tree: string }>(`SELECT json_serialize_sql(${literal(query)}) AS tree`);
  const tree = JSON.parse(row?.tree ?? "{}") as { error?: boolean; error_message?: string; statements?: readonly { node: Node }[] };
  if (tree.error === true) throw invalid(FIELD, `must be one SELECT: ${tree.error_message ?? "it cannot be parsed"}`);
  const [statement, ...more] = tree.statements ?? [];
  if (!statement || more.length > 0) throw invalid(FIELD, `must be one SELECT, not ${1 + more.length} statements`);
  return statement.node;
}

/** A node, and the CTEs that can be named where it stands, in lower case. */
interface Found {
  readonly node: Node;
  readonly ctes: ReadonlySet<string>;
}

const NO_CTES: ReadonlySet<string> = new Set();
const alsoNaming = (ctes: ReadonlySet<string>, name: unknown): ReadonlySet<string> => new Set([...ctes, String(name).toLowerCase()]);

function* nodes(value: unknown, outer: ReadonlySet<string>): Generator<Found> {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const child of value) yield* nodes(child, outer);
    return;
  }
  const node = value as Node;
  const { cte_map, ...rest } = node;
  let ctes = outer;
  // A CTE knows those before it, and itself where it recurs; the node knows all of them, and nothing outside does.
  for (const { key, value: cte } of ctesOf(cte_map)) {
    yield* nodes(cte, ctes);
    ctes = alsoNaming(ctes, key);
  }
  yield { node, ctes };
  for (const [key, child] of Object.entries(rest)) {
    if (node.type === "TABLE_FUNCTION" && key === "function") {
      // The function in FROM is judged by its own node; what it is given is judged like everything else.
      yield* nodes((child as Node).children, ctes);
    } else yield* nodes(child, node.type === "RECURSIVE_CTE_NODE" && key === "right" ? alsoNaming(ctes, node.cte_name) : ctes);
  }
}

interface Cte {
  readonly key: string;
  readonly value: unknown;
}

const ctesOf = (map: unknown): readonly Cte[] => (map as { readonly map?: readonly Cte[] } | undefined)?.map ?? [];

interface Allowed {
  readonly tables: Set<string>;
  readonly known: readonly string[];
  /** DuckDB's own views, which tell about the server. */
  readonly reserved: ReadonlySet<string>;
}

function check({ node, ctes }: Found, allowed: Allowed): void {
  for (const { key } of ctesOf(node.cte_map)) {
    if (allowed.reserved.has(key.toLowerCase()))
      throw invalid(FIELD, `calls a part of itself "${key}", which is a name of DuckDB's own; call it otherwise`);
  }
  if (node.type === "SHOW_REF") throw invalid(FIELD, "must be one SELECT: SHOW, DESCRIBE and SUMMARIZE are not");
  if (node.type === "BASE_TABLE") checkTable(node, ctes, allowed);
  else if (node.type === "TABLE_FUNCTION") {
    const name = functionName(node.function as Node);
    if (!TABLE_FUNCTIONS.has(name)) throw invalid(FIELD, `may not use ${name}() in FROM; it may read ${describeKnown(allowed.known)}`);
  } else if (node.class === "FUNCTION" && REFUSED_FUNCTIONS.test(functionName(node))) {
    throw invalid(FIELD, `may not use ${functionName(node)}(): its result is unbounded, or it is not about the data`);
  }
}

function checkTable(node: Node, ctes: ReadonlySet<string>, { tables, known }: Allowed): void {
  const name = String(node.table_name);
  const isQualified = node.schema_name !== "" || node.catalog_name !== "";
  if (!isQualified && ctes.has(name.toLowerCase())) return;
  const found = isQualified ? undefined : known.find((one) => one.toLowerCase() === name.toLowerCase());
  if (found === undefined) throw invalid(FIELD, `reads "${name}", which is not a data set; there are ${describeKnown(known)}`);
  tables.add(found);
}

const describeKnown = (known: readonly string[]): string => (known.length > 0 ? listed(known) : "none");
const functionName = ({ function_name }: Node): string => String(function_name).toLowerCase();
