/** Isolation forest and local outlier factor against the reference on annthyroid. */
import { describe, expect, it } from "vitest";
import { averagePrecision, flagHighest, flagScores, rocAuc } from "../src/metrics/ranking.ts";
import { fitDistanceFromMean } from "../src/baselines.ts";
import { fitIsolationForest } from "../src/trees/isolation-forest.ts";
import { fitLocalOutlierFactor } from "../src/distances/local-outlier-factor.ts";
import type { Matrix } from "../src/matrix.ts";
import { fitContext, readTable, reference, standardised, without } from "./data-sets.ts";
import { randomBlobs } from "./made-data.ts";

const SEEDS = 10;

async function annthyroid(): Promise<{ readonly x: Matrix; readonly isOutlier: number[] }> {
  const table = await readTable("annthyroid");
  return { x: standardised(without(table, "is_outlier")).x, isOutlier: table.columns.get("is_outlier") as number[] };
}

describe("anomaly models stand beside the reference on annthyroid", () => {
  it("isolation forest, mean of ten seeds: ROC-AUC at most 0.03 below", async () => {
    const { x, isOutlier } = await annthyroid();
    const areas: number[] = [];
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const model = await fitIsolationForest(x, {}, fitContext(seed));
      areas.push(rocAuc(isOutlier, model.score(x)));
    }
    const wanted = reference("annthyroid/anomaly").isolation_forest!.roc_auc!.mean;
    expect(areas.reduce((total, area) => total + area, 0) / SEEDS).toBeGreaterThan(wanted - 0.03);
  });

  it("local outlier factor: the reference's figures", async () => {
    const { x, isOutlier } = await annthyroid();
    const wanted = reference("annthyroid/anomaly").lof_k20 as unknown as Readonly<Record<string, number>>;
    const scores = (await fitLocalOutlierFactor(x, {}, fitContext(0))).score(x);
    const outliers = isOutlier.reduce((total, value) => total + value, 0);
    const { precision, recall, f1 } = flagScores(isOutlier, flagHighest(scores, outliers));
    const actual = { roc_auc: rocAuc(isOutlier, scores), average_precision: averagePrecision(isOutlier, scores) };
    for (const [name, value] of Object.entries({ ...actual, precision_at_n: precision, recall_at_n: recall, f1_at_n: f1 })) {
      expect(Math.abs(value - wanted[name]!), name).toBeLessThan(0.002);
    }
  });
});

describe("every anomaly model puts a lone row first", () => {
  const { x } = randomBlobs(300, 1);
  const withOutlier: Matrix = { rowCount: 301, names: x.names, columns: x.columns.map((values) => Float64Array.of(...values, 40)) };
  const fits = {
    "isolation forest": () => fitIsolationForest(withOutlier, {}, fitContext(3)),
    "local outlier factor": () => fitLocalOutlierFactor(withOutlier, {}, fitContext(3)),
    "distance from the mean": async () => fitDistanceFromMean(withOutlier),
  };
  it.each(Object.entries(fits))("%s", async (_, fit) => {
    const scores = (await fit()).score(withOutlier);
    expect(flagHighest(scores, 1)[300]).toBe(1);
  });

  it("a sample of the rows is reference enough", async () => {
    const model = await fitLocalOutlierFactor(withOutlier, { maxReferenceRows: 100 }, fitContext(3));
    expect(flagHighest(model.score(withOutlier), 1)[300]).toBe(1);
  });
});
