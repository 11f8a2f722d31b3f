/**
 * Forest and boosting against the reference, by its own folds. They may be better; they are at most 0.01 below it, 0.02
 * on penguins, errors at most 4 % above. One fold of the long ones: all five are in bench/results/model-quality.json.
 */
import { describe, expect, it } from "vitest";
import { fitBoostingClassifier, fitBoostingRegressor } from "../src/trees/boosting.ts";
import { fitForestClassifier, fitForestRegressor } from "../src/trees/forest.ts";
import { classFolds, labelsOf, readTable, reference, rowFolds, without } from "./data-sets.ts";
import { deviations, validateClassifier, validateRegressor } from "./protocol.ts";

/** Seconds on an idle machine; other work on it must not fail them. */
const TIMEOUT_MS = 120_000;

const CLASSIFIERS = {
  forest: fitForestClassifier,
  hist_gbdt: fitBoostingClassifier,
};
const REGRESSORS = {
  forest: fitForestRegressor,
  hist_gbdt: fitBoostingRegressor,
};

describe.each(["forest", "hist_gbdt"] as const)("%s classifies as well as the reference", (model) => {
  it.each([
    { name: "penguins", target: "species", dropped: ["year"], allowed: 0.02, foldCount: 5, key: "penguins/classification:species" },
    { name: "wine", target: "colour", dropped: ["quality"], allowed: 0.01, foldCount: 5, key: "wine-quality/classification:colour" },
    { name: "adult", target: "income", dropped: [], allowed: 0.01, foldCount: 2, key: "adult-income/classification:income" },
  ] as const)(
    "$key, $foldCount of 5 folds",
    async ({ name, target, dropped, allowed, foldCount, key }) => {
      const all = await readTable(name);
      const labels = labelsOf(all.columns.get(target)!);
      const protocol = { table: without(all, target, ...dropped), labels, folds: classFolds(labels), foldCount };
      const figures = await validateClassifier(protocol, (x, y, context) => CLASSIFIERS[model](x, y, {}, context));
      expect(deviations(figures, reference(key)[model]!, allowed)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

describe("forest and boosting regress as well as the reference", () => {
  it.each([
    { model: "forest", name: "wine", target: "quality", foldCount: 5, key: "wine-quality/regression:quality" },
    { model: "hist_gbdt", name: "wine", target: "quality", foldCount: 5, key: "wine-quality/regression:quality" },
    { model: "hist_gbdt", name: "diamonds", target: "price", foldCount: 1, key: "diamonds/regression:price" },
    { model: "forest", name: "diamonds", target: "price", foldCount: 1, key: "diamonds/regression:price" },
  ] as const)(
    "$model $key, $foldCount of 5 folds",
    async ({ model, name, target: targetName, foldCount, key }) => {
      const all = await readTable(name);
      const target = Float64Array.from(all.columns.get(targetName) as number[]);
      const protocol = { table: without(all, targetName), target, folds: rowFolds(all.rowCount), foldCount };
      const figures = await validateRegressor(protocol, (x, y, context) => REGRESSORS[model](x, y, {}, context));
      expect(deviations(figures, reference(key)[model]!, 0.01)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
