/** Logistic and ridge regression against the reference, by its own folds: within 0.005, errors within 1 %. */
import { describe, expect, it } from "vitest";
import { fitLogistic } from "../src/linear/logistic.ts";
import type { Matrix } from "../src/matrix.ts";
import type { Classifier, FitContext, Labels } from "../src/model.ts";
import { fitRidge } from "../src/linear/ridge.ts";
import { classFolds, labelsOf, readTable, reference, rowFolds, without } from "./data-sets.ts";
import { deviations, validateClassifier, validateRegressor } from "./protocol.ts";

/** Seconds on an idle machine; other work on it must not fail them. */
const TIMEOUT_MS = 120_000;

const logistic = (x: Matrix, labels: Labels, context: FitContext): Promise<Classifier> => fitLogistic(x, labels, {}, context);

describe("logistic regression stands beside the reference", () => {
  it.each([
    { name: "penguins", target: "species", dropped: ["year"], key: "penguins/classification:species" },
    { name: "wine", target: "colour", dropped: ["quality"], key: "wine-quality/classification:colour" },
    { name: "adult", target: "income", dropped: [], key: "adult-income/classification:income" },
  ] as const)(
    "$key",
    async ({ name, target, dropped, key }) => {
      const all = await readTable(name);
      const labels = labelsOf(all.columns.get(target)!);
      const table = without(all, target, ...dropped);
      const figures = await validateClassifier({ table, labels, folds: classFolds(labels) }, logistic);
      expect(deviations(figures, reference(key).logistic!, "deterministic")).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

describe("ridge regression stands beside the reference", () => {
  it.each([
    { name: "wine", target: "quality", key: "wine-quality/regression:quality" },
    { name: "diamonds", target: "price", key: "diamonds/regression:price" },
  ] as const)(
    "$key",
    async ({ name, target: targetName, key }) => {
      const all = await readTable(name);
      const target = Float64Array.from(all.columns.get(targetName) as number[]);
      const protocol = { table: without(all, targetName), target, folds: rowFolds(all.rowCount) };
      const figures = await validateRegressor(protocol, (x, y, context) => fitRidge(x, y, {}, context));
      expect(deviations(figures, reference(key).ridge!, "deterministic")).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
