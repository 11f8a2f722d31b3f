/**
 * Rare classes: what balanced weights ask for is what is decided, whatever calibration and choice make of it. The figures
 * to stand beside are scikit-learn's on the same rows (fraud-reference.py says how they were made).
 */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { payments } from "./fraud.ts";
import reference from "./fraud-reference.json" with { type: "json" };
import { dataFolder, failure, handlerOn, processed, temporaryFolder } from "./runs.ts";

interface Metrics {
  readonly balanced_accuracy: number;
  readonly roc_auc: number;
  readonly pr_auc: number;
  readonly brier: number;
  readonly decision: Readonly<Record<string, unknown>> & { readonly threshold: number };
  readonly per_class: {
    readonly fraud: { readonly recall: number; readonly precision: number; readonly f1: number; readonly support: number };
  };
}

const files = { "train.csv": payments(20_000, 1), "new.csv": payments(20_000, 2) };
const request = (path: string, options: Readonly<Record<string, unknown>>): unknown => ({
  pipeline: "classification",
  data_source: { type: "file", path },
  target: "kind",
  id_columns: ["id"],
  output: { format: "csv" },
  options,
});

/** Trained on one file, measured on the other. */
async function onNewRows(options: Readonly<Record<string, unknown>>): Promise<Metrics> {
  const handler = await handlerOn(await dataFolder(files));
  const { run } = await processed(handler, request("train.csv", options));
  const otherBlobs = await temporaryFolder();
  await mkdir(join(otherBlobs, "trained"));
  await copyFile(join(run.blobsFolder, "model.json"), join(otherBlobs, "trained", "model.json"));
  const { result } = await processed(handler, request("new.csv", { model_id: "trained" }), { otherBlobs });
  return result.metrics as unknown as Metrics;
}

describe("one fraud in 150 payments", () => {
  it("balanced logistic regression decides as scikit-learn's does, with confidences that mean what they say", async () => {
    const metrics = await onNewRows({ model: "logistic", class_weights: "balanced" });
    expect(metrics.per_class.fraud.support).toBe(reference.frauds);
    expect(metrics.per_class.fraud.recall).toBeGreaterThan(reference.balanced.recall - 0.05);
    expect(metrics.balanced_accuracy).toBeGreaterThan(reference.balanced.balanced_accuracy - 0.02);
    expect(Math.abs(metrics.roc_auc - reference.balanced.roc_auc)).toBeLessThan(0.01);
    expect(metrics.pr_auc).toBeGreaterThan(reference.balanced.pr_auc - 0.02);
    expect(metrics.brier).toBeLessThan(1.1 * reference.none.brier);
    expect(metrics.decision).toMatchObject({ by: "threshold", positive_class: "fraud" });
  });

  it("the choice of model does not undo the weights", async () => {
    const metrics = await onNewRows({ class_weights: "balanced" });
    expect(metrics.per_class.fraud.recall).toBeGreaterThan(reference.balanced.recall - 0.08);
    expect(metrics.balanced_accuracy).toBeGreaterThan(reference.balanced.balanced_accuracy - 0.03);
  });

  it("without weights it stands beside scikit-learn's plain one", async () => {
    const metrics = await onNewRows({ model: "logistic" });
    expect(Math.abs(metrics.brier - reference.none.brier)).toBeLessThan(0.0005);
    expect(Math.abs(metrics.pr_auc - reference.none.pr_auc)).toBeLessThan(0.02);
    expect(metrics.decision).toEqual({ by: "most_probable", positive_class: "fraud" });
  });

  it("a threshold is chosen for what was asked: recall, F1, cost", async () => {
    const plain = await onNewRows({ model: "logistic" });
    // With folds a threshold is chosen on the frauds of all rows, not on a fifth of them.
    const recall = await onNewRows({ model: "logistic", folds: 5, decide_by: { recall: 0.8 } });
    // Three deviations of what 107 frauds to choose by and 129 to measure on allow.
    expect(Math.abs(recall.per_class.fraud.recall - 0.8)).toBeLessThan(0.16);
    const f1 = await onNewRows({ model: "logistic", folds: 5, decide_by: { measure: "f1" } });
    expect(f1.per_class.fraud.f1).toBeGreaterThan(plain.per_class.fraud.f1);
    expect(f1.decision.threshold).toBeGreaterThan(recall.decision.threshold);
    const cost = await onNewRows({ model: "logistic", decide_by: { cost: { false_positive: 1, false_negative: 100 } } });
    expect(cost.per_class.fraud.recall).toBeGreaterThan(f1.per_class.fraud.recall);
    expect(cost.decision.threshold).toBeLessThan(0.1);
  });
});

describe("decisions at the edges", () => {
  it("with folds each row is decided by what the others say, and the file says the same as the metrics", async () => {
    const handler = await handlerOn(await dataFolder(files));
    const options = { model: "logistic", class_weights: "balanced", folds: 3, decide_by: { recall: 0.8 } };
    const { result, output } = await processed(handler, request("train.csv", options));
    expect(result.warnings).toEqual([]);
    const metrics = result.metrics as unknown as Metrics;
    const rows = output.trim().split("\n").slice(1);
    const fields = rows.map((row) => row.split(",")).filter(([, , actual]) => actual === "fraud");
    const hits = fields.filter(([, , , prediction]) => prediction === "fraud").length;
    expect(metrics.per_class.fraud.recall).toBeCloseTo(hits / fields.length, 9);
    expect(metrics.per_class.fraud.recall).toBeGreaterThan(0.7);
  });

  it("a threshold of one's own, of a class of one's own", async () => {
    const handler = await handlerOn(await dataFolder(files));
    const options = { model: "logistic", decide_by: { threshold: 0.999 }, positive_class: "honest", calibration: false };
    const { result } = await processed(handler, request("train.csv", options));
    expect(result.metrics.decision).toEqual({ by: "threshold", positive_class: "honest", threshold: 0.999 });
  });

  it("a threshold that few rows of the class speak for is warned of", async () => {
    const handler = await handlerOn(await dataFolder(files));
    const { result } = await processed(handler, request("train.csv", { model: "logistic", decide_by: { measure: "f1" } }));
    const { rows, positives } = (result.metrics as unknown as Metrics).decision.chosen_on as Record<string, number>;
    expect(positives).toBeLessThan(50);
    expect(rows).toBeGreaterThan(3_000);
    expect(result.warnings).toEqual([expect.objectContaining({ kind: "few_positives", column: "kind", count: positives })]);
  });

  it("refuses what two classes are needed for, and classes that are not there", async () => {
    const handler = await handlerOn(await dataFolder({ "train.csv": payments(400, 3).replaceAll(/(p\d*[05],.*),honest/g, "$1,odd") }));
    expect(await failure(handler, request("train.csv", { decide_by: { recall: 0.8 } }))).toMatchObject({
      code: "VALIDATION_ERROR",
      message: expect.stringContaining("needs two classes") as string,
    });
    const two = await handlerOn(await dataFolder(files));
    expect((await failure(two, request("train.csv", { positive_class: "theft" }))).message).toContain('"theft" is no class of "kind"');
    await expect(
      processed(two, { ...(request("train.csv", { decide_by: { recall: 0.8 } }) as object), pipeline: "regression" }),
    ).rejects.toThrow("no classes to decide between");
  });
});
