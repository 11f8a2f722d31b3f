/** How many true values an interval holds, over all rows and where predictions are small and large. */
import type { JsonObject } from "@streamer/protocol";
import type { HeldOut } from "../learning/trust.ts";

const TENTHS = 10;
/** Fewer rows in a tenth say nothing of it. */
const LEAST_ROWS = 10;

export function intervalMetrics({ y, predicted, halfWidth }: HeldOut): JsonObject {
  if (!halfWidth) return {};
  const order = Int32Array.from(y.keys()).sort((a, b) => predicted[a]! - predicted[b]!);
  const describe = (rows: Int32Array): { share_inside: number; mean_half_width: number } => ({
    share_inside: meanOf(rows, (row) => (Math.abs(y[row]! - predicted[row]!) <= halfWidth[row]! ? 1 : 0)),
    mean_half_width: meanOf(rows, (row) => halfWidth[row]!),
  });
  const tenths = order.length < TENTHS * LEAST_ROWS ? [] : Array.from({ length: TENTHS }, (_, tenth) => tenth);
  const deciles = tenths.map((tenth) => {
    const rows = order.subarray(Math.round((tenth * order.length) / TENTHS), Math.round(((tenth + 1) * order.length) / TENTHS));
    return { rows: rows.length, from: predicted[rows[0]!]!, to: predicted[rows.at(-1)!]!, ...describe(rows) };
  });
  return { interval: { ...describe(order), ...(deciles.length > 0 && { by_prediction: deciles }) } };
}

function meanOf(rows: Int32Array, value: (row: number) => number): number {
  let total = 0;
  for (const row of rows) total += value(row);
  return total / rows.length;
}
