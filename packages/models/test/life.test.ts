/** What every model promises, whatever it learns: the same seed, the way through JSON, and stopping when told. */
import { describe, expect, it } from "vitest";
import { fitClassShares, fitDistanceFromMean, fitMean } from "../src/baselines.ts";
import { fitBoostingClassifier, fitBoostingRegressor } from "../src/trees/boosting.ts";
import { calibrate } from "../src/calibration/calibration.ts";
import { fitForestClassifier, fitForestRegressor } from "../src/trees/forest.ts";
import { fitIsolationForest } from "../src/trees/isolation-forest.ts";
import { fitKMeans } from "../src/distances/k-means.ts";
import { fitLocalOutlierFactor } from "../src/distances/local-outlier-factor.ts";
import { fitLogistic } from "../src/linear/logistic.ts";
import { rowWindow, type Matrix } from "../src/matrix.ts";
import type { FitContext, Model } from "../src/model.ts";
import type { ModelJson } from "../src/packing.ts";
import { predictPaced } from "../src/pacing.ts";
import { fitPrincipalComponents } from "../src/linear/principal-components.ts";
import { restoreModel } from "../src/restore-model.ts";
import { fitRidge } from "../src/linear/ridge.ts";
import { fitSlices } from "../src/distances/slices.ts";
import { fitContext } from "./data-sets.ts";
import { randomBlobs, type Blobs } from "./made-data.ts";

type Fit = (data: Blobs, context: FitContext) => Promise<Model>;

const earlyStopping = { validationShare: 0.2, patience: 5 };
const FITS: Readonly<Record<string, Fit>> = {
  logistic: ({ x, labels }, context) => fitLogistic(x, labels, {}, context),
  ridge: ({ x, target }, context) => fitRidge(x, target, {}, context),
  "boosting classifier": ({ x, labels }, context) => fitBoostingClassifier(x, labels, { rounds: 20 }, context),
  "boosting regressor": ({ x, target }, context) => fitBoostingRegressor(x, target, { earlyStopping }, context),
  "forest classifier": ({ x, labels }, context) => fitForestClassifier(x, labels, { trees: 10, maxDepth: 4 }, context),
  "forest regressor": ({ x, target }, context) => fitForestRegressor(x, target, { trees: 10 }, context),
  "k-means": ({ x }, context) => fitKMeans(x, { clusters: 3 }, context),
  slices: ({ x }, context) => fitSlices(x, { clusters: 3 }, context),
  "isolation forest": ({ x }, context) => fitIsolationForest(x, {}, context),
  "local outlier factor": ({ x }, context) => fitLocalOutlierFactor(x, {}, context),
  "principal components": ({ x }, context) => fitPrincipalComponents(x, { components: 2 }, context),
  "class shares": async ({ labels }) => fitClassShares(labels),
  mean: async ({ target }) => fitMean(target),
  "distance from mean": async ({ x }) => fitDistanceFromMean(x),
  "calibrated by Platt": calibrated("platt"),
  "calibrated by isotonic regression": calibrated("isotonic"),
};

function calibrated(method: "platt" | "isotonic"): Fit {
  return async ({ x, labels }, context) => {
    const model = await fitLogistic(x, labels, {}, context);
    return calibrate(model, model.predictProbabilities(x), labels, method);
  };
}

/** What the model says of the rows, whatever kind it is. */
function answersOf(model: Model, x: Matrix): Float64Array | Int32Array {
  switch (model.kind) {
    case "classifier":
      return model.predictProbabilities(x);
    case "regressor":
      return model.predict(x);
    case "clustering":
      return model.assign(x);
    case "anomaly":
      return model.score(x);
    case "projection":
      return model.transform(x).columns[1]!;
  }
}

const throughJson = (model: Model): Model => restoreModel(JSON.parse(JSON.stringify(model)) as ModelJson);

describe.each(Object.entries(FITS))("%s", (name, fit) => {
  const data = randomBlobs(400, 3);

  it("comes back from JSON the same to the last bit", async () => {
    const model = await fit(data, fitContext(5));
    const again = throughJson(model);
    expect(again.kind).toBe(model.kind);
    expect(answersOf(again, data.x)).toEqual(answersOf(model, data.x));
    expect(JSON.stringify(again)).toBe(JSON.stringify(model));
  });

  it("is the same for the same seed", async () => {
    expect(JSON.stringify(await fit(data, fitContext(7)))).toBe(JSON.stringify(await fit(data, fitContext(7))));
  });

  it("answers a window of rows as it answers all", async () => {
    const model = await fit(data, fitContext(5));
    const all = answersOf(model, data.x);
    const width = all.length / data.x.rowCount;
    expect([...answersOf(model, rowWindow(data.x, 100, 150))]).toEqual([...all].slice(100 * width, 150 * width));
  });

  it("tells rising progress and refuses to begin when already cancelled", async () => {
    const told: number[] = [];
    await fit(data, { ...fitContext(1), tell: (done) => told.push(done) });
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.every((done) => done >= 0 && done <= 1)).toBe(true);
    if (told.length === 0) return;
    await expect(fit(data, fitContext(1, AbortSignal.abort(new Error(`No ${name}`))))).rejects.toThrow(`No ${name}`);
  });
});

describe("a cancelled fit stops at once", () => {
  const data = randomBlobs(60_000, 3);
  const LONG = {
    boosting: ({ x, labels }: Blobs, context: FitContext) => fitBoostingClassifier(x, labels, { rounds: 1_000 }, context),
    forest: ({ x, target }: Blobs, context: FitContext) => fitForestRegressor(x, target, { trees: 1_000 }, context),
    "k-means": ({ x }: Blobs, context: FitContext) => fitKMeans(x, { clusters: 40, starts: 100 }, context),
    "isolation forest": ({ x }: Blobs, context: FitContext) => fitIsolationForest(x, { trees: 100_000 }, context),
    "local outlier factor": ({ x }: Blobs, context: FitContext) => fitLocalOutlierFactor(x, { maxReferenceRows: 60_000 }, context),
  };
  it.each(Object.entries(LONG))("%s", async (_, fit) => {
    const stop = new AbortController();
    let stoppedAt = 0;
    const timer = setTimeout(() => {
      stoppedAt = performance.now();
      stop.abort(new Error("enough"));
    }, 150);
    await expect(fit(data, fitContext(1, stop.signal))).rejects.toThrow("enough");
    clearTimeout(timer);
    expect(performance.now() - stoppedAt).toBeLessThan(1_000);
  });

  it("and a prediction over many rows too", async () => {
    const model = await fitLocalOutlierFactor(data.x, { maxReferenceRows: 2_000 }, fitContext(1));
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 100);
    const startedAt = performance.now();
    await expect(predictPaced(data.x, (window) => model.score(window), { signal: stop.signal })).rejects.toThrow("enough");
    expect(performance.now() - startedAt).toBeLessThan(1_100);
  });
});

describe("predicting in windows", () => {
  it("gives what predicting at once gives, row by row and class by class", async () => {
    const { x, labels } = randomBlobs(5_000, 3);
    const model = await fitLogistic(x, labels, {}, fitContext(1));
    const told: number[] = [];
    const { signal } = new AbortController();
    const predict = (window: Matrix): Float64Array => model.predictProbabilities(window);
    const paced = await predictPaced(x, predict, { signal, width: 3, tell: (done) => told.push(done) });
    expect(paced).toEqual(model.predictProbabilities(x));
    expect(told.at(-1)).toBe(1);
  });
});

describe("a model file that is no longer what was written", () => {
  const damage: readonly (readonly [string, (json: ModelJson) => ModelJson])[] = [
    ["of an unknown model", (json) => ({ ...json, model: "oracle" })],
    ["without its name", (json) => ({ ...json, model: undefined })],
    ["cut", (json) => ({ ...json, importances: "AAAA" })],
    ["with a tree that walks in circles", (json) => ({ ...json, trees: { ...(json.trees as ModelJson), rights: "" } })],
  ];
  it.each(damage)("%s is refused", async (_, change) => {
    const { x, labels } = randomBlobs(100, 2);
    const model = await fitForestClassifier(x, labels, { trees: 3 }, fitContext(1));
    expect(() => restoreModel(change(model.toJSON()))).toThrow(RangeError);
  });

  it("a calibrated one without the model inside is refused", async () => {
    const { x, labels } = randomBlobs(100, 2);
    const model = await fitLogistic(x, labels, {}, fitContext(1));
    const written = calibrate(model, model.predictProbabilities(x), labels, "platt").toJSON();
    for (const base of [undefined, "gone", [1]]) expect(() => restoreModel({ ...written, base })).toThrow(/"base"/);
    expect(() => restoreModel({ ...written, curves: undefined })).toThrow(/"curves"/);
  });
});
