/**
 * Do the models of process_data learn as well as scikit-learn's? All five folds of every data set by the protocol of
 * fixtures/data/reference_metrics.json; the tests run the shorter of them on every change.
 */
import * as models from "@streamer/models";
import * as sets from "../../packages/models/test/data-sets.ts";
import { deviations, validateClassifier, validateRegressor, type Figures } from "../../packages/models/test/protocol.ts";
import type { Measured, Row, Scenario } from "../record.ts";

const CLASSES = [
  { set: "penguins", target: "species", dropped: ["year"], allowed: 0.02, key: "penguins/classification:species" },
  { set: "wine", target: "colour", dropped: ["quality"], allowed: 0.01, key: "wine-quality/classification:colour" },
  { set: "adult", target: "income", dropped: [], allowed: 0.01, key: "adult-income/classification:income" },
] as const;
const NUMBERS = [
  { set: "wine", target: "quality", key: "wine-quality/regression:quality" },
  { set: "diamonds", target: "price", key: "diamonds/regression:price" },
] as const;

const CLASSIFIERS = { logistic: models.fitLogistic, forest: models.fitForestClassifier, hist_gbdt: models.fitBoostingClassifier } as const;
const REGRESSORS = { ridge: models.fitRidge, forest: models.fitForestRegressor, hist_gbdt: models.fitBoostingRegressor } as const;
const DETERMINISTIC = new Set(["logistic", "ridge"]);

/** One row a figure: ours, theirs, and whether the tolerance of the protocol holds. */
function rowsOf(key: string, model: string, figures: Figures, allowed: number): Row[] {
  const wanted = sets.reference(key)[model]!;
  const wrong = deviations(figures, wanted, DETERMINISTIC.has(model) ? "deterministic" : allowed);
  return Object.entries(figures).map(([metric, value]) => ({
    data: key,
    model,
    metric,
    ours: Number(value.toPrecision(6)),
    sklearn: wanted[metric]!.mean,
    within: wrong.some((text) => text.startsWith(`${metric} `)) ? "NO" : "yes",
  }));
}

async function classRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { set, target, dropped, allowed, key } of CLASSES) {
    const all = await sets.readTable(set);
    const labels = sets.labelsOf(all.columns.get(target)!);
    const protocol = { table: sets.without(all, target, ...dropped), labels, folds: sets.classFolds(labels) };
    for (const [model, fit] of Object.entries(CLASSIFIERS)) {
      rows.push(...rowsOf(key, model, await validateClassifier(protocol, (x, y, context) => fit(x, y, {}, context)), allowed));
    }
  }
  return rows;
}

async function numberRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { set, target: name, key } of NUMBERS) {
    const all = await sets.readTable(set);
    const target = Float64Array.from(all.columns.get(name) as number[]);
    const protocol = { table: sets.without(all, name), target, folds: sets.rowFolds(all.rowCount) };
    for (const [model, fit] of Object.entries(REGRESSORS)) {
      rows.push(...rowsOf(key, model, await validateRegressor(protocol, (x, y, context) => fit(x, y, {}, context)), 0.01));
    }
  }
  return rows;
}

export const modelQuality: Scenario = {
  name: "model-quality",
  question: "Do the models of process_data learn as well as scikit-learn's, on all folds of every data set?",
  async run(): Promise<Measured> {
    return { settings: { folds: 5, seed: 0 }, rows: [...(await classRows()), ...(await numberRows())] };
  },
};
