/** A forest is as large as it may be, whatever it learns from; what its leaves say comes back, from earlier files too. */
import { describe, expect, it } from "vitest";
import { fitForestClassifier, fitForestRegressor } from "../src/trees/forest.ts";
import type { Classifier } from "../src/model.ts";
import { PackedNumbers, packNumbers, unpackFloats, unpackInts, type ModelJson } from "../src/packing.ts";
import { seededRandom } from "../src/random.ts";
import { restoreModel } from "../src/restore-model.ts";
import { fitContext } from "./data-sets.ts";

const ROWS = 3_000;
/** Nothing to learn: every tree grows until its leaves are pure. */
function noise(classCount: number, distinct = ROWS) {
  const random = seededRandom(classCount);
  const column = (): Float64Array => Float64Array.from({ length: ROWS }, () => Math.floor(distinct * random()));
  const x = { rowCount: ROWS, names: ["a", "b"], columns: [column(), column()] };
  return { x, target: column(), labels: { codes: Int32Array.from({ length: ROWS }, () => Math.floor(classCount * random())), classCount } };
}

/** Of everything in a model that is numbers. */
function bytesOf(json: ModelJson): number {
  return Object.values(json).reduce<number>((sum, value) => {
    if (value instanceof PackedNumbers) return sum + value.byteLength;
    return sum + (typeof value === "object" && value !== null ? bytesOf(value as ModelJson) : 0);
  }, 0);
}

describe("the memory of a forest", () => {
  it.each([
    [0, ROWS, 20],
    [2, ROWS, 20],
    [2, 8, 20],
    [100, ROWS, 20],
    [100, 8, 60],
  ])("%d classes (0: a number), columns of %d values, %d trees", async (classCount, distinct, trees) => {
    const { x, target, labels } = noise(classCount, distinct);
    const fit = (mostBytes?: number) =>
      classCount === 0
        ? fitForestRegressor(x, target, { trees, mostBytes }, fitContext(1))
        : fitForestClassifier(x, labels, { trees, mostBytes }, fitContext(1));
    const pure = bytesOf((await fit()).toJSON());
    const most = Math.floor(pure / 3);
    expect(bytesOf((await fit(most)).toJSON())).toBeLessThanOrEqual(most);
  });
});

describe("shares of classes in leaves", () => {
  it("of files written before they were runs of classes", async () => {
    const { x, labels } = noise(5, 4);
    const model = await fitForestClassifier(x, labels, { trees: 5 }, fitContext(1));
    const json = model.toJSON();
    const restored = restoreModel(asBefore(json, 5)) as Classifier;
    expect(restored.predictProbabilities(x)).toEqual(model.predictProbabilities(x));
    expect(JSON.stringify(restored)).toBe(JSON.stringify(model));
  });

  it.each([
    ["without an end", { codes: packNumbers(Int32Array.of(0)), shares: packNumbers(Float64Array.of(1)) }],
    ["of a class there is not", { codes: packNumbers(Int32Array.of(-7)), shares: packNumbers(Float64Array.of(1)) }],
    ["with fewer shares than classes", { codes: packNumbers(Int32Array.of(0, -1)), shares: packNumbers(Float64Array.of(1)) }],
  ])("%s are refused", async (_, leaves) => {
    const { x, labels } = noise(5, 4);
    const json = (await fitForestClassifier(x, labels, { trees: 2 }, fitContext(1))).toJSON();
    expect(() => restoreModel({ ...json, leaves })).toThrow(/"leaves"/);
  });
});

/** The same forest, with a number for each class of each leaf of more than one. */
function asBefore({ leaves, ...json }: ModelJson, classCount: number): ModelJson {
  const codes = unpackInts(leaves as ModelJson, "codes");
  const shares = unpackFloats(leaves as ModelJson, "shares");
  const dense: number[] = [];
  const places = new Map<number, number>();
  for (let at = 0; at < codes.length; at += 1) {
    places.set(at, dense.length / classCount);
    const leaf = Array.from({ length: classCount }, () => 0);
    for (; codes[at]! >= 0; at += 1) leaf[codes[at]!] = shares[at]!;
    leaf[-1 - codes[at]!] = shares[at]!;
    dense.push(...leaf);
  }
  const trees = json.trees as ModelJson;
  const thresholds = unpackFloats(trees, "thresholds");
  const splits = unpackInts(trees, "splits");
  const before = thresholds.map((value, node) => (splits[node] === -1 && value < 0 ? -1 - places.get(-1 - value)! : value));
  return { ...json, shares: packNumbers(Float64Array.from(dense)), trees: { ...trees, thresholds: packNumbers(before) } };
}
