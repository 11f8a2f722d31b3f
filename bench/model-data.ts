/** Writes the matrices that model-fit.ts measures on: one fold of each real data set, and a million made rows. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Matrix, rowMajor, rowWindow, seededRandom } from "@streamer/models";
import * as sets from "../packages/models/test/data-sets.ts";

export interface WrittenSet {
  readonly name: string;
  readonly folder: string;
  readonly rows: number;
  readonly features: number;
  readonly models: readonly string[];
}

const TREES = ["boosting", "forest"];
const SUPERVISED = [
  { name: "penguins", set: "penguins", target: "species", dropped: ["year"], models: ["logistic", ...TREES] },
  { name: "wine-colour", set: "wine", target: "colour", dropped: ["quality"], models: ["logistic", ...TREES] },
  { name: "wine-quality", set: "wine", target: "quality", dropped: [], models: ["ridge", ...TREES] },
  { name: "adult", set: "adult", target: "income", dropped: [], models: ["logistic", ...TREES] },
  { name: "diamonds", set: "diamonds", target: "price", dropped: [], models: ["ridge", ...TREES] },
] as const;
const UNSUPERVISED = [
  { name: "penguins-clusters", set: "penguins", dropped: ["species", "island", "sex", "year"], clusters: 3, models: ["kmeans"] },
  { name: "wine-clusters", set: "wine", dropped: ["colour", "quality"], clusters: 2, models: ["kmeans"] },
  { name: "annthyroid", set: "annthyroid", dropped: ["is_outlier"], clusters: 0, models: ["isolation"] },
] as const;

export async function writeRealSets(root: string): Promise<WrittenSet[]> {
  const written: WrittenSet[] = [];
  for (const { name, set, target, dropped, models } of SUPERVISED) {
    const all = await sets.readTable(set);
    const values = all.columns.get(target)!;
    const labels = typeof values[0] === "string" ? sets.labelsOf(values) : undefined;
    const folds = labels ? sets.classFolds(labels) : sets.rowFolds(all.rowCount);
    const { train, test, trainRows } = sets.splits(sets.without(all, target, ...dropped), folds, 1)[0]!;
    const numbers = labels ? Float64Array.from(labels.codes) : Float64Array.from(values as number[]);
    const shape = { classes: labels?.classCount ?? 0, clusters: 0 };
    written.push(write({ root, name, models, shape, train, test, target: sets.take(numbers, trainRows) }));
  }
  for (const { name, set, dropped, clusters, models } of UNSUPERVISED) {
    const { x } = sets.standardised(sets.without(await sets.readTable(set), ...dropped));
    written.push(write({ root, name, models, shape: { classes: 0, clusters }, train: x, test: x }));
  }
  return written;
}

const MADE_COLUMNS = 10;
const MADE_CLUSTERS = 8;

/** Normal columns around eight centers; a class that a few of them decide, crosswise, with noise. */
export function writeMadeSet(root: string, rowCount: number): WrittenSet {
  const random = seededRandom(1);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const columns = Array.from({ length: MADE_COLUMNS }, (_, column) =>
    Float64Array.from({ length: rowCount }, (_unused, row) => normal() + (((row % MADE_CLUSTERS) >> (column % 3)) & 1) * 2),
  );
  const [a, b, c] = [columns[0]!, columns[1]!, columns[2]!];
  const target = a.map((value, row) => (value * b[row]! + c[row]! + normal() > 1 ? 1 : 0));
  const train: Matrix = { rowCount, names: columns.map((_, column) => `c${column}`), columns };
  const shape = { classes: 2, clusters: MADE_CLUSTERS };
  // A tenth of the rows is enough to time predictions, and the yardstick takes a minute for all of them.
  const test = rowWindow(train, 0, rowCount / 10);
  return write({ root, name: "made", models: ["boosting", "logistic", "kmeans", "isolation"], shape, train, test, target });
}

interface Contents {
  readonly root: string;
  readonly name: string;
  readonly models: readonly string[];
  readonly shape: { readonly classes: number; readonly clusters: number };
  readonly train: Matrix;
  readonly test: Matrix;
  readonly target?: Float64Array;
}

function write({ root, name, models, shape, train, test, target }: Contents): WrittenSet {
  const folder = join(root, name);
  const features = train.columns.length;
  mkdirSync(folder);
  writeFileSync(join(folder, "shape.json"), JSON.stringify({ ...shape, features }));
  writeFileSync(join(folder, "train.bin"), rowMajor(train));
  writeFileSync(join(folder, "test.bin"), rowMajor(test));
  if (target) writeFileSync(join(folder, "train-target.bin"), target);
  return { name, folder, rows: train.rowCount, features, models };
}
