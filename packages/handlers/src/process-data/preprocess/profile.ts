/**
 * What the rows of training were like, column by column, so that rows to score can be held against them: how much was
 * missing, how numbers spread over ten classes of equal size, how common the commonest categories were. The distance of
 * two such distributions is the population stability index; above 0.25 it is commonly taken for another population.
 */
import type { Database } from "../../duckdb/database.ts";
import { literal } from "../../duckdb/sql.ts";
import type { InputColumn } from "./columns.ts";

export interface ColumnProfile {
  readonly column: string;
  /** Share of the rows without a value. */
  readonly missing: number;
  /** Upper bounds of the classes but the last; of a text, its commonest categories. */
  readonly bounds: readonly number[] | readonly string[];
  /** Of the rows with a value, one share for each bound, and one for the rest. */
  readonly shares: readonly number[];
}

export interface Drift {
  readonly column: string;
  readonly missing: number;
  readonly missing_in_training: number;
  /** Population stability index; null where too few rows have a value. */
  readonly stability_index: number | null;
}

/** Rows that are looked at, chosen by hash: enough for shares of a per cent. */
const MAX_ROWS = 100_000;
/** Columns described in one statement. */
const BATCH = 8;
const CLASSES = 10;
const MAX_CATEGORIES = 30;
/** Fewer rows differ by chance alone. */
const MIN_ROWS = 200;
/** What an empty class counts as: nothing can be divided by nothing. */
const LEAST_SHARE = 0.0005;

interface Look {
  readonly columns: readonly InputColumn[];
  readonly where: string;
}

export async function profileOf(database: Database, look: Look): Promise<readonly ColumnProfile[]> {
  const from = await sampled(database, look.where);
  const profiles: ColumnProfile[] = [];
  for (let at = 0; at < look.columns.length; at += BATCH) {
    const columns = look.columns.slice(at, at + BATCH);
    const bounds = await boundsOf(database, columns, from);
    profiles.push(...(await sharesOf(database, { columns, bounds, from })));
  }
  return profiles;
}

/** Of rows to score against those of training. */
export async function driftOf(database: Database, { columns, where }: Look, trained: readonly ColumnProfile[]): Promise<readonly Drift[]> {
  const from = await sampled(database, where);
  const [{ rows } = { rows: 0 }] = await database.rows<{ rows: number }>(`SELECT count(*)::DOUBLE AS rows ${from}`);
  const drifts: Drift[] = [];
  for (let at = 0; at < columns.length; at += BATCH) {
    const batch = columns.slice(at, at + BATCH).flatMap((column) => {
      const before = trained.find((one) => one.column === column.name);
      return before ? [{ column, before }] : [];
    });
    const found = await sharesOf(database, {
      columns: batch.map(({ column }) => column),
      bounds: batch.map(({ before }) => before.bounds),
      from,
    });
    for (const [index, { column, before }] of batch.entries()) {
      const { missing, shares } = found[index]!;
      drifts.push({
        column: column.name,
        missing,
        missing_in_training: before.missing,
        stability_index: rows * (1 - missing) < MIN_ROWS ? null : stabilityIndex(before.shares, shares),
      });
    }
  }
  return drifts;
}

function stabilityIndex(before: readonly number[], now: readonly number[]): number {
  return before.reduce((sum, share, index) => {
    const [a, b] = [Math.max(share, LEAST_SHARE), Math.max(now[index] ?? 0, LEAST_SHARE)];
    return sum + (b - a) * Math.log(b / a);
  }, 0);
}

async function sampled(database: Database, where: string): Promise<string> {
  const [{ rows } = { rows: 0 }] = await database.rows<{ rows: number }>(`SELECT count(*)::DOUBLE AS rows FROM clean WHERE ${where}`);
  const sample = rows > MAX_ROWS ? ` AND hash(h, 'profile') % 1000000 < ${Math.floor((1_000_000 * MAX_ROWS) / rows)}` : "";
  return `FROM clean WHERE ${where}${sample}`;
}

async function boundsOf(database: Database, columns: readonly InputColumn[], from: string): Promise<readonly ColumnProfile["bounds"][]> {
  const numbers = columns.filter(({ kind }) => kind !== "text");
  const parts = numbers.map(({ cell }) => `quantile_disc(${cell}, [${deciles.join(", ")}]) AS ${cell}`);
  const [row = {}] =
    parts.length === 0
      ? []
      : await database.rows<Record<string, { items: readonly number[] } | null>>(`SELECT ${parts.join(", ")} ${from}`);
  const bounds: ColumnProfile["bounds"][] = [];
  for (const { kind, cell } of columns) {
    if (kind !== "text") bounds.push([...new Set(row[cell]?.items ?? [])]);
    else {
      const common = await database.rows<{ category: string }>(
        `SELECT ${cell} AS category ${from} AND ${cell} IS NOT NULL GROUP BY ${cell} ORDER BY count(*) DESC, ${cell} LIMIT ${MAX_CATEGORIES}`,
      );
      bounds.push(common.map(({ category }) => category));
    }
  }
  return bounds;
}

const deciles = Array.from({ length: CLASSES - 1 }, (_, index) => (index + 1) / CLASSES);

interface Measured {
  readonly columns: readonly InputColumn[];
  readonly bounds: readonly ColumnProfile["bounds"][];
  readonly from: string;
}

async function sharesOf(database: Database, { columns, bounds, from }: Measured): Promise<readonly ColumnProfile[]> {
  if (columns.length === 0) return [];
  const parts = columns.flatMap(({ cell }, index) => [
    `count(${cell})::DOUBLE AS n${index}`,
    ...bounds[index]!.map((bound, place) => {
      const test = typeof bound === "string" ? `= ${literal(bound)}` : `<= ${bound.toExponential()}::DOUBLE`;
      return `(count(*) FILTER (${cell} ${test}))::DOUBLE AS b${index}_${place}`;
    }),
  ]);
  const [row = {}] = await database.rows<Record<string, number>>(`SELECT count(*)::DOUBLE AS "all", ${parts.join(", ")} ${from}`);
  return columns.map(({ name }, index) => {
    const values = row[`n${index}`]!;
    const counts = bounds[index]!.map((_, place) => row[`b${index}_${place}`]!);
    // Of numbers, what is below a bound is counted for the later ones too.
    const isText = typeof bounds[index]![0] === "string";
    const own = isText ? counts : counts.map((count, place) => count - (counts[place - 1] ?? 0));
    const rest = values - own.reduce((sum, count) => sum + count, 0);
    const shares = [...own, rest].map((count) => (values === 0 ? 0 : count / values));
    return { column: name, missing: row["all"] === 0 ? 0 : 1 - values / row["all"]!, bounds: bounds[index]!, shares };
  });
}
