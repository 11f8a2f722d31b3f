/**
 * One model of process_data in a process of its own, as the handler runs it. Arguments: a folder with the matrices that
 * model-fit.ts wrote, the model's name, the number of runs. Prints times (the first run is cold: nothing is compiled yet)
 * and the peak of resident memory.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as models from "@streamer/models";

interface Shape {
  readonly features: number;
  /** 0: the target is a number, or there is none. */
  readonly classes: number;
  readonly clusters: number;
}

/** After each fit: a prediction is short, and the first is not compiled yet. */
const PREDICTIONS = 5;

const [folder = "", name = "", runs = "1"] = process.argv.slice(2);
const shape = JSON.parse(readFileSync(join(folder, "shape.json"), "utf8")) as Shape;
const train = matrixOf(floats("train.bin"));
const test = matrixOf(floats("test.bin"));
const target =
  shape.classes > 0 || name === "ridge" || name === "forest" || name === "boosting" ? floats("train-target.bin") : new Float64Array(0);
const labels: models.Labels = { codes: Int32Array.from(target), classCount: shape.classes };

const context: models.FitContext = { signal: new AbortController().signal, tell: () => {}, random: models.seededRandom(0) };
const fits: Readonly<Record<string, () => Promise<models.Model>>> = {
  logistic: () => models.fitLogistic(train, labels, {}, context),
  ridge: () => models.fitRidge(train, target, {}, context),
  forest: () =>
    shape.classes > 0 ? models.fitForestClassifier(train, labels, {}, context) : models.fitForestRegressor(train, target, {}, context),
  boosting: () =>
    shape.classes > 0 ? models.fitBoostingClassifier(train, labels, {}, context) : models.fitBoostingRegressor(train, target, {}, context),
  kmeans: () => models.fitKMeans(train, { clusters: shape.clusters }, context),
  isolation: () => models.fitIsolationForest(train, {}, context),
};

const measured = { fit_ms: [] as number[], fit_cpu_ms: [] as number[], predict_ms: [] as number[] };
for (let run = 0; run < Number(runs); run += 1) {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const model = await fits[name]!();
  const fittedAt = performance.now();
  const { user, system } = process.cpuUsage(cpuBefore);
  measured.fit_ms.push(fittedAt - startedAt);
  measured.fit_cpu_ms.push((user + system) / 1_000);
  for (let repeat = 0; repeat < PREDICTIONS; repeat += 1) {
    const since = performance.now();
    predict(model);
    measured.predict_ms.push(performance.now() - since);
  }
}
console.log(JSON.stringify({ ...measured, peak_mb: process.resourceUsage().maxRSS / 1_024 }));

function predict(model: models.Model): void {
  if (model.kind === "classifier") model.predictProbabilities(test);
  else if (model.kind === "regressor") model.predict(test);
  else if (model.kind === "clustering") model.assign(test);
  else if (model.kind === "anomaly") model.score(test);
}

function floats(file: string): Float64Array {
  return new Float64Array(Uint8Array.from(readFileSync(join(folder, file))).buffer);
}

function matrixOf(cells: Float64Array): models.Matrix {
  const rowCount = cells.length / shape.features;
  const columns = Array.from({ length: shape.features }, (_, column) => {
    const values = new Float64Array(rowCount);
    for (let row = 0; row < rowCount; row += 1) values[row] = cells[row * shape.features + column]!;
    return values;
  });
  return { rowCount, names: columns.map((_, column) => `c${column}`), columns };
}
