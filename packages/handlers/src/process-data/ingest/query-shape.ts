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
  const ctes = new Set<string>();
  const tables = new Set<string>();
  for (const node of nodes(statement)) for (const name of cteNames(node)) ctes.add(name.toLowerCase());
  for (const node of nodes(statement)) check(node, { ctes, tables, known });
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

function* nodes(value: unknown): Generator<Node> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Node;
  // The function in FROM is judged by its TABLE_FUNCTION node; what it is given is judged like everything else.
  const isFrom = (value as Node).type === "TABLE_FUNCTION";
  for (const [key, child] of Object.entries(value)) yield* isFrom && key === "function" ? nodes((child as Node).children) : nodes(child);
}

function cteNames({ cte_map }: Node): readonly string[] {
  const map = (cte_map as { map?: readonly { key: string }[] } | undefined)?.map;
  return map?.map(({ key }) => key) ?? [];
}

interface Allowed {
  readonly ctes: ReadonlySet<string>;
  readonly tables: Set<string>;
  readonly known: readonly string[];
}

function check(node: Node, allowed: Allowed): void {
  if (node.type === "SHOW_REF") throw invalid(FIELD, "must be one SELECT: SHOW, DESCRIBE and SUMMARIZE are not");
  if (node.type === "BASE_TABLE") checkTable(node, allowed);
  else if (node.type === "TABLE_FUNCTION") {
    const name = functionName(node.function as Node);
    if (!TABLE_FUNCTIONS.has(name)) throw invalid(FIELD, `may not use ${name}() in FROM; it may read ${describeKnown(allowed.known)}`);
  } else if (node.class === "FUNCTION" && REFUSED_FUNCTIONS.test(functionName(node))) {
    throw invalid(FIELD, `may not use ${functionName(node)}(): its result is unbounded, or it is not about the data`);
  }
}

function checkTable(node: Node, { ctes, tables, known }: Allowed): void {
  const name = String(node.table_name);
  const isQualified = node.schema_name !== "" || node.catalog_name !== "";
  if (!isQualified && ctes.has(name.toLowerCase())) return;
  const found = isQualified ? undefined : known.find((one) => one.toLowerCase() === name.toLowerCase());
  if (found === undefined) throw invalid(FIELD, `reads "${name}", which is not a data set; there are ${describeKnown(known)}`);
  tables.add(found);
}

const describeKnown = (known: readonly string[]): string => (known.length > 0 ? listed(known) : "none");
const functionName = ({ function_name }: Node): string => String(function_name).toLowerCase();
