/** The plots of what has no target: rows on a plane, clusters and what they are like, scores, components. */
import { fitPrincipalComponents, seededRandom } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { Database } from "../../../duckdb/database.ts";
import { loadMatrix } from "../../preprocess/load-matrix.ts";
import type { Binding, Recipe } from "../../preprocess/recipe.ts";
import type { ClusterProfile } from "../cluster-profiles.ts";
import { COLOURS, figure, printable, WARNING } from "./drawing.ts";
import { barPlot, histogram, MOST_POINTS, xyPlot, type Series } from "./plots.ts";
import type { Figure, Table } from "./sections.ts";

const MOST_GROUPS = 10;
const BINS = 30;

export interface ViewTerms {
  readonly recipe: Recipe;
  readonly binding: Binding;
  readonly signal: AbortSignal;
  /** SQL over scores that tells groups apart, and what they are called. */
  readonly groupSql: string;
  readonly names: (group: number) => string;
  /** The group that is looked for: drawn large, in red. */
  readonly lookedFor?: number;
}

/** Rows on the plane of their two principal components. */
export async function planeFigure(
  database: Database,
  { recipe, binding, signal, groupSql, names, lookedFor }: ViewTerms,
): Promise<Figure[]> {
  const [{ rows: all } = { rows: 0 }] = await database.rows<{ rows: number }>("SELECT count(*)::DOUBLE AS rows FROM scores");
  const where = all <= MOST_POINTS ? "true" : `row IN (SELECT row FROM clean ORDER BY hash(h, 'view') LIMIT ${MOST_POINTS})`;
  const { x, rows } = await loadMatrix(database, { recipe, binding, target: undefined, where });
  if (x.columns.length < 2 || x.rowCount < 3) return [];
  const found = await database.rows<{ row: number; kind: number }>(
    `SELECT row::DOUBLE AS row, (${groupSql})::DOUBLE AS kind FROM scores WHERE ${where}`,
  );
  const groupOf = new Map(found.map(({ row, kind }) => [row, kind]));
  const projection = await fitPrincipalComponents(x, { components: 2 }, { signal, tell: () => undefined, random: seededRandom(1) });
  const [first, second] = projection.transform(x).columns as readonly [Float64Array, Float64Array];
  const groups = [...new Set(found.map(({ kind }) => kind))].toSorted((a, b) => a - b).slice(0, MOST_GROUPS);
  const series = groups.map((group): Series => ({
    name: names(group),
    ...(group === lookedFor ? { kind: "dots", colour: WARNING } : { kind: "points" }),
    points: Array.from(rows.keys())
      .filter((at) => groupOf.get(rows[at]!) === group)
      .map((at) => [first[at]!, second[at]!]),
  }));
  const [one = 0, two = 0] = projection.explainedVarianceRatios;
  const drawn =
    x.rowCount < all ? `${x.rowCount.toLocaleString("en-US")} of ${all.toLocaleString("en-US")} rows are drawn, by chance. ` : "";
  return [
    {
      id: "plane",
      title: `Rows on two principal components: ${figure(100 * (one + two))} % of the variance of those drawn`,
      note: `${drawn}Features as the model sees them.`,
      svg: xyPlot({
        x: { name: `first component (${figure(100 * one)} %)` },
        y: { name: `second (${figure(100 * two)} %)` },
        series,
        height: 380,
      }),
    },
  ];
}

export function clusterFigures(metrics: JsonObject): Figure[] {
  const sizes = metrics["sizes"] as readonly number[] | undefined;
  if (!sizes) return [];
  const title = `Clusters: silhouette ${typeof metrics["silhouette"] === "number" ? figure(metrics["silhouette"]) : "not known"}`;
  const bars = sizes.map((value, cluster) => ({ name: `cluster ${cluster}`, value, colour: COLOURS[cluster % COLOURS.length] }));
  return [{ id: "sizes", title, svg: barPlot(bars.slice(0, 30), ({ value }) => value.toLocaleString("en-US")) }];
}

const spoken = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "no value");

export function profileTable(profiles: readonly ClusterProfile[]): Table[] {
  const [first] = profiles;
  if (!first) return [];
  const columns = Object.keys(first.columns);
  const cell = (profile: JsonObject): string => {
    const { mean, median, most_common, share } = profile;
    if ("most_common" in profile) return `${spoken(most_common)} (${figure(100 * Number(share ?? 0))} %)`;
    return typeof mean === "number" ? `${figure(mean)} (median ${figure(Number(median))})` : spoken(mean);
  };
  return [
    {
      id: "profiles",
      title: "What the clusters are like: mean and median, or the most common value and its share",
      head: ["column", ...profiles.map(({ cluster, rows }) => `cluster ${cluster} (${rows.toLocaleString("en-US")} rows)`)],
      rows: columns.map((column) => [column, ...profiles.map((one) => cell(one.columns[column]!))]),
    },
  ];
}

export async function anomalyFigures(database: Database, threshold: number, metrics: JsonObject): Promise<Figure[]> {
  const [range] = await database.rows<{ low: number | null; high: number | null }>(
    "SELECT min(score)::DOUBLE AS low, max(score)::DOUBLE AS high FROM scores",
  );
  if (range?.low == null || range.high == null || !(range.high > range.low)) return [];
  const { low, high } = { low: range.low, high: range.high };
  const step = (high - low) / BINS;
  const found = await database.rows<{ bin: number; rows: number; flagged: number }>(
    `SELECT least(floor((score - ${low}) / ${step}), ${BINS - 1})::DOUBLE AS bin, count(*)::DOUBLE AS rows, (count(*) FILTER (score >= ${threshold}))::DOUBLE AS flagged FROM scores GROUP BY bin`,
  );
  const bins = Array.from({ length: BINS }, (_, bin) => {
    const own = found.find((one) => one.bin === bin);
    const isFlagged = own !== undefined && own.flagged > 0;
    return { from: low + bin * step, to: low + (bin + 1) * step, count: own?.rows ?? 0, ...(isFlagged && { colour: WARNING }) };
  });
  const flagged = typeof metrics["flagged"] === "number" ? `${figure(metrics["flagged"])} rows flagged, ` : "";
  return [
    {
      id: "scores",
      title: `Scores: ${flagged}threshold ${figure(threshold)}`,
      note: "Bins with flagged rows are red.",
      svg: histogram(bins, "score"),
    },
  ];
}

const MOST_ANOMALIES = 20;

export async function anomalyTable(database: Database): Promise<Table[]> {
  const rows = await database.rows<{ row: number; score: number; reasons: string | null }>(
    `SELECT row::DOUBLE + 1 AS row, score::DOUBLE AS score, reasons FROM scores WHERE reasons IS NOT NULL ORDER BY score DESC, row LIMIT ${MOST_ANOMALIES}`,
  );
  if (rows.length === 0) return [];
  const shown = rows.map(({ row, score, reasons }) => [row.toLocaleString("en-US"), figure(score), reasons ?? ""]);
  return [{ id: "anomalies", title: "The most unusual rows, and what makes them so", head: ["row", "score", "reasons"], rows: shown }];
}

export function componentFigures(metrics: JsonObject): Figure[] {
  const ratios = metrics["explained_variance_ratios"] as readonly number[] | undefined;
  const loadings = metrics["loadings"] as unknown as
    | readonly { readonly component: string; readonly features: readonly { readonly feature: string; readonly loading: number }[] }[]
    | undefined;
  if (!ratios) return [];
  const bars = ratios.slice(0, 20).map((value, at) => ({ name: `pc${at + 1}`, value }));
  return [
    { id: "variance", title: "Variance that each component keeps", svg: barPlot(bars, ({ value }) => `${figure(100 * value)} %`) },
    ...(loadings ?? []).slice(0, 2).map(({ component, features }) => ({
      id: `loadings-${component}`,
      title: `What ${printable(component)} is made of: loadings`,
      svg: barPlot(
        features
          .slice(0, 12)
          .map(({ feature, loading }) => ({ name: feature, value: loading, colour: loading < 0 ? COLOURS[1] : COLOURS[0] })),
      ),
    })),
  ];
}

/** Components of the output itself, where that is what was made. */
export async function outputFigure(database: Database, columns: number): Promise<Figure[]> {
  if (columns < 2) return [];
  const rows = await database.rows<{ x: number; y: number }>(`SELECT f0 AS x, f1 AS y FROM scores ORDER BY hash(row) LIMIT ${MOST_POINTS}`);
  const points = rows.map(({ x, y }) => [x, y] as const);
  return [
    {
      id: "plane",
      title: "Rows on the first two components",
      svg: xyPlot({ x: { name: "pc1" }, y: { name: "pc2" }, series: [{ name: "rows", points, kind: "points" }], height: 380 }),
    },
  ];
}
