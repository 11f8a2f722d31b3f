/** Intervals hold what they say where predictions are small and where they are large. */
import { seededRandom } from "@streamer/models";
import { expect, it } from "vitest";
import { dataFolder, handlerOn, processed } from "./runs.ts";

/** A price that follows the area, and whose error follows the price. */
function houses(rows: number): string {
  const random = seededRandom(8);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const lines = Array.from({ length: rows }, () => {
    const area = 20 * Math.exp(1.5 * random());
    const rooms = 1 + Math.floor(area / 15) + Math.floor(2 * random());
    return `${area.toFixed(2)},${rooms},${(area * 30 * Math.exp(0.25 * normal())).toFixed(2)}`;
  });
  return ["area,rooms,price", ...lines].join("\n");
}

it.each([
  ["boosting", 0],
  ["ridge", 3],
] as const)("%s with %d folds: nine in ten, within 5 points, in each tenth of the predictions", async (model, folds) => {
  const handler = await handlerOn(await dataFolder({ "houses.csv": houses(30_000) }));
  const { result, output } = await processed(handler, {
    pipeline: "regression",
    data_source: { type: "file", path: "houses.csv" },
    target: "price",
    output: { format: "csv" },
    options: { model, folds, interval_level: 0.9 },
  });
  const { interval } = result.metrics as unknown as {
    interval: { share_inside: number; by_prediction: readonly { share_inside: number; mean_half_width: number; rows: number }[] };
  };
  expect(interval.share_inside).toBeCloseTo(0.9, 1);
  expect(interval.by_prediction).toHaveLength(10);
  for (const tenth of interval.by_prediction) expect(Math.abs(tenth.share_inside - 0.9)).toBeLessThan(0.05);
  expect(interval.by_prediction.at(-1)!.mean_half_width).toBeGreaterThan(2 * interval.by_prediction[0]!.mean_half_width);
  const measured = output
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","))
    .filter((cells) => cells[5] !== "train");
  const inside = measured.filter(([, actual, , lower, upper]) => Number(actual) >= Number(lower) && Number(actual) <= Number(upper));
  expect(inside.length / measured.length).toBeCloseTo(interval.share_inside, 9);
});
