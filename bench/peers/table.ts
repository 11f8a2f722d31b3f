/** The runs as one Markdown table: a line for each case and metric, a column for each peer. */
import { CASES } from "./cases.ts";
import type { Run } from "./measure.ts";
import { METRICS, type Metric } from "./metrics.ts";
import type { Peer } from "./peers.ts";

/** Medians; with more than one run their range, and of all but the first peer the ratio to it. */
export function tableOf(runs: readonly Run[], peers: readonly Peer[]): string {
  const head = ["", "", ...peers.map(({ title }) => title)];
  const rule = ["---", "---", ...peers.map(() => "--:")];
  const lines = CASES.filter((one) => runs.some((run) => run.case === one.name)).flatMap((one) =>
    METRICS[one.scenario].map((metric) => {
      const values = peers.map(({ name }) => valuesOf(runs, name, one.name, metric.figure));
      const first = median(values[0] ?? []);
      return [one.name, metric.label, ...values.map((own, n) => cell(own, metric, n === 0 ? undefined : first))];
    }),
  );
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const valuesOf = (runs: readonly Run[], peer: string, name: string, figure: string): readonly number[] =>
  runs.filter((run) => run.peer === peer && run.case === name).flatMap(({ figures }) => figures?.[figure] ?? []);

function cell(values: readonly number[], { digits, better }: Metric, first: number | undefined): string {
  if (values.length === 0) return "";
  const shown = (value: number): string =>
    Number.isFinite(value) ? value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }) : "never";
  const middle = median(values);
  const range = values.length > 1 ? ` (${shown(Math.min(...values))}–${shown(Math.max(...values))})` : "";
  const ratio = better && first !== undefined && first > 0 && Number.isFinite(middle) ? ` ×${(middle / first).toFixed(2)}` : "";
  return shown(middle) + range + ratio;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
