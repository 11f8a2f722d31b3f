import { join } from "node:path";
import { copyFile, mkdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { CLASSIFY, dataFolder, failure, flowers, handlerOn, processed, temporaryFolder } from "./runs.ts";

const NEW = { type: "file", path: "new.csv" };

/** Trains as request r1, and keeps its model where later requests of the user find it. */
async function trained(payload: unknown) {
  const handler = await handlerOn(
    await dataFolder({ "flowers.csv": flowers(200), "new.csv": flowers(50, 9), "other.csv": "width,height\n1,2\n3,4\n" }),
  );
  const first = await processed(handler, payload);
  const otherBlobs = await temporaryFolder();
  await mkdir(join(otherBlobs, "r1"));
  await copyFile(join(first.run.blobsFolder, "model.json"), join(otherBlobs, "r1", "model.json"));
  return { handler, first, options: { otherBlobs, requestId: "r2" } };
}

const rowsOf = (output: string) => JSON.parse(output) as Record<string, unknown>[];

describe("a trained model", () => {
  it.each(["auto", "boosting", "forest"])("scores the rows it was trained on as it did then (%s)", async (model) => {
    const { handler, first, options } = await trained({ ...CLASSIFY, options: { model } });
    const again = await processed(handler, { ...CLASSIFY, options: { model_id: "r1" } }, options);
    const strip = (output: string) => rowsOf(output).map((row) => ({ ...row, part: undefined }));
    expect(strip(again.output)).toEqual(strip(first.output));
    expect(again.result.model).toMatchObject({ model_id: "r1", why: "trained by request r1" });
  });

  it("scores new rows, and is measured where they carry the answer", async () => {
    const { handler, options } = await trained({ ...CLASSIFY, options: { model: "logistic" } });
    const { result } = await processed(
      handler,
      { pipeline: "classification", data_source: NEW, id_columns: ["id"], options: { model_id: "r1" } },
      options,
    );
    expect(result.rows).toBe(50);
    expect(result.metrics).toMatchObject({ measured_on: "the rows scored", rows: 50 });
    expect(result.metrics.accuracy).toBeGreaterThan(0.8);
  });

  it.each([
    ["regression", { target: "size" }, "rmse"],
    ["clustering", { target: "kind", options: { clusters: 3 } }, "adjusted_rand"],
    ["anomaly", { target: "kind" }, "pr_auc"],
    ["transformation", {}, "explained_variance"],
  ])("is one of %s too", async (pipeline, more, metric) => {
    const payload = { pipeline, data_source: CLASSIFY.data_source, features: ["width", "height", "colour", "picked"], ...more };
    const { handler, first, options } = await trained(payload);
    expect(first.result.metrics).toHaveProperty(metric === "adjusted_rand" ? "silhouette" : metric);
    const { result } = await processed(handler, { pipeline, data_source: NEW, options: { model_id: "r1" } }, options);
    expect(result.rows).toBe(50);
    expect(Object.keys({ ...first.result.metrics, ...result.metrics })).toContain(metric);
  });

  it("has a baseline for clustering too, which may be asked for", async () => {
    const handler = await handlerOn(await dataFolder({ "flowers.csv": flowers(90) }));
    const payload = { pipeline: "clustering", data_source: CLASSIFY.data_source, features: ["width", "height"], id_columns: ["id"] };
    const { result } = await processed(handler, { ...payload, options: { model: "baseline", clusters: 3 } });
    expect(result).toMatchObject({
      rows: 90,
      model: { name: "baseline", why: "baseline was asked for; 3 clusters were asked for" },
      metrics: { clusters: 3, sizes: [expect.any(Number), expect.any(Number), expect.any(Number)] },
    });
    const auto = await processed(handler, { ...payload, options: { clusters: 3 } });
    expect(auto.result.metrics.silhouette).toBeGreaterThanOrEqual(result.metrics.silhouette as number);
  });

  it("is refused for another pipeline, data without its columns, and damage", async () => {
    const { handler, options } = await trained({ ...CLASSIFY, options: { model: "logistic" } });
    const wrong = await failure(handler, { pipeline: "clustering", data_source: NEW, options: { model_id: "r1" } }, options);
    expect(wrong).toMatchObject({
      code: "VALIDATION_ERROR",
      message: 'pipeline: the model of "r1" is of pipeline classification, not clustering',
    });
    const lacking = await failure(
      handler,
      { pipeline: "classification", data_source: { type: "file", path: "other.csv" }, options: { model_id: "r1" } },
      options,
    );
    expect(lacking.message).toMatch(/data_source: lacks .*"colour".*, which the model of "r1" was trained on/);
  });

  it("gives the answer for a category it never saw, a missing one, and a cell of another kind", async () => {
    const { options } = await trained({ ...CLASSIFY, options: { model: "logistic" } });
    const odd = "id,width,height,colour,noise,picked,size\na,1.2,,violet,0.5,2024-02-01,1\nb,wide,2.5,,0.1,,0.2\n";
    const handler = await handlerOn(await dataFolder({ "new.csv": odd }));
    const { output } = await processed(
      handler,
      { pipeline: "classification", data_source: NEW, id_columns: ["id"], options: { model_id: "r1" } },
      options,
    );
    expect(rowsOf(output)).toMatchObject([{ id: "a" }, { id: "b" }]);
    for (const { prediction, confidence } of rowsOf(output)) {
      expect(["rose", "lily", "iris"]).toContain(prediction);
      expect(confidence).toBeGreaterThan(0.33);
    }
  });
});
