/** What the training rows say about numbers and dates: what stands for a missing one, and how far is far. */
import type { Database } from "../../duckdb/database.ts";
import type { ProcessOptions } from "../options.ts";
import type { Dropped, InputColumn } from "./columns.ts";
import type { Making, NumberInput } from "./recipe.ts";

/** Exact quantiles keep a batch's columns in memory: few at once keeps that small. */
export const NUMBER_BATCH = 8;

export interface FittedInput<Input> {
  readonly input: Input;
  /** The features it becomes, by name; their `input` is filled in by the recipe. */
  readonly makings: readonly { readonly name: string; readonly making: (input: number) => Making }[];
}

interface Described {
  readonly present: number;
  readonly mean: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly quartiles: { readonly items: readonly (number | null)[] } | null;
}

export async function fitNumbers(
  database: Database,
  columns: readonly InputColumn[],
  { where, options }: { readonly where: string; readonly options: ProcessOptions },
): Promise<{ readonly fitted: readonly FittedInput<NumberInput>[]; readonly dropped: readonly Dropped[] }> {
  const parts = columns.flatMap(({ cell }, index) => [
    `count(${cell})::DOUBLE AS present${index}`,
    `avg(${cell}) AS mean${index}`,
    `min(${cell})::DOUBLE AS low${index}`,
    `max(${cell})::DOUBLE AS high${index}`,
    `quantile_cont(${cell}, [0.25, 0.5, 0.75]) AS quartiles${index}`,
  ]);
  const [row = {}] = await database.rows<Record<string, unknown>>(
    `SELECT count(*)::DOUBLE AS "all", ${parts.join(", ")} FROM clean WHERE ${where}`,
  );
  const all = row["all"] as number;
  const fitted: FittedInput<NumberInput>[] = [];
  const dropped: Dropped[] = [];
  for (const [index, column] of columns.entries()) {
    const described = Object.fromEntries(["present", "mean", "low", "high", "quartiles"].map((name) => [name, row[`${name}${index}`]]));
    const answer = fitNumber(column, described as unknown as Described, { all, options });
    if ("reason" in answer) dropped.push({ column: column.name, reason: answer.reason });
    else fitted.push(answer);
  }
  return { fitted, dropped };
}

function fitNumber(
  { name, kind }: InputColumn,
  { present, mean, low, high, quartiles }: Described,
  { all, options }: { readonly all: number; readonly options: ProcessOptions },
): FittedInput<NumberInput> | { readonly reason: string } {
  if (present === 0 || mean === null) return { reason: "no value in the training rows" };
  const [q1, median, q3] = quartiles!.items as readonly [number, number, number];
  const gap = options.outlier_range * (q3 - q1);
  // Half of the values alike: clipping to them would leave nothing of the rest.
  const clips = options.outliers === "clip" && kind === "number" && gap > 0;
  const input: NumberInput = {
    kind: kind as "number" | "date",
    column: name,
    fill: kind === "date" ? median : { median, mean, zero: 0 }[options.missing_numbers],
    ...(clips && { low: q1 - gap, high: q3 + gap }),
  };
  const hasGaps = present < all;
  const indicator =
    hasGaps && options.missing_indicators
      ? [{ name: `${name} is missing`, making: (at: number): Making => ({ by: "missing", input: at }) }]
      : [];
  if (low === high) {
    return indicator.length > 0 ? { input, makings: indicator } : { reason: `constant: ${String(low)} in every training row` };
  }
  if (kind === "number") return { input, makings: [{ name, making: (at) => ({ by: "value", input: at }) }, ...indicator] };
  const parts = (["time", "year", "month", "day", "weekday", "hour"] as const).map((part) => ({
    name: part === "time" ? name : `${name} ${part}`,
    making: (at: number): Making => ({ by: "date_part", input: at, part }),
  }));
  return { input, makings: [...parts, ...indicator] };
}
