/** docs/handlers/process-data.md: its examples are run on the sample shop as they stand there, its tables are the schema's. */
import { mkdtempSync, rmSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSampleShop } from "../../src/generate-report/index.ts";
import { createAppendRows } from "../../src/process-data/index.ts";
import { CHANNEL_LIMITS } from "../../src/process-data/ingest/channel.ts";
import { fileConfig, queryConfig, streamConfig } from "../../src/process-data/input.ts";
import { MODELS, processOptions } from "../../src/process-data/options.ts";
import { documented, exampleIn } from "../documented.ts";
import { parseInput } from "../run-handler.ts";
import { optionTable } from "./option-table.ts";
import { handlerOn, processed, temporaryFolder, type Processed } from "./runs.ts";

const guide = documented("docs/handlers/process-data.md");

const folder = mkdtempSync(join(tmpdir(), "streamer-guide-"));
beforeAll(() => writeSampleShop(join(folder, "shop"), { rows: 6_000 }));
afterAll(() => rmSync(folder, { recursive: true }));
const run = async (name: string): Promise<Processed> => processed(await handlerOn(join(folder, "shop")), exampleIn(guide, name));

describe("the guide's examples", () => {
  it("classification, and the model used again", async () => {
    const first = await run("classification");
    expect(first.result.metrics.accuracy).toBeGreaterThan(0.8);
    expect(first.result.model.tried).toHaveLength(4);
    expect(first.output.split("\n")[0]).toBe(
      "row,line,actual,prediction,confidence,uncertain,p_Care & spares,p_Coffee,p_Cups & glass,p_Espresso machines,p_Grinders,part",
    );
    const otherBlobs = await temporaryFolder();
    await mkdir(join(otherBlobs, "the-training-request"));
    await copyFile(join(first.run.blobsFolder, "model.json"), join(otherBlobs, "the-training-request", "model.json"));
    const again = await processed(await handlerOn(join(folder, "shop")), exampleIn(guide, "scoring"), { otherBlobs });
    expect(again.result.rows).toBeGreaterThan(50);
    expect(again.result.preview[0]).toHaveProperty("prediction");
  });

  it("regression", async () => {
    const { result } = await run("regression");
    expect(result.metrics).toMatchObject({ measured_on: "3 folds", over_folds: { rmse: { mean: result.metrics.rmse } } });
    expect(result.metrics.r2).toBeGreaterThan(0.8);
    const { share_inside } = result.metrics.interval as { share_inside: number };
    expect(share_inside).toBeGreaterThan(0.85);
    expect(result.preview[0]).toMatchObject({ lower: expect.any(Number) as number, upper: expect.any(Number) as number });
  });

  it("clustering", async () => {
    const { result } = await run("clustering");
    expect(result.metrics.silhouette).toBeGreaterThan(0.2);
    expect(result.summary).toMatch(/kmeans has a silhouette of .* of baseline; .* have the highest silhouette of 2 \(/);
  });

  it("anomaly", async () => {
    const { result } = await run("anomaly");
    expect(result.metrics.flagged_share).toBeCloseTo(0.02, 2);
  });

  it("transformation", async () => {
    const { result } = await run("transformation");
    expect(result).toMatchObject({ rows: 120, format: "parquet", metrics: { components: 2 } });
    expect(result.preview[0]).toEqual({ row: 1, product_key: 100, pc1: expect.any(Number) as number, pc2: expect.any(Number) as number });
  });

  it("append_rows", async () => {
    expect(await parseInput(createAppendRows({ channels: "never-made" }), exampleIn(guide, "append"))).toMatchObject({ sequence: 0 });
  });
});

describe("the guide", () => {
  it.each(Object.entries({ processOptions, fileConfig, queryConfig, streamConfig }))(
    "lists what %s takes, as the schema has it",
    (_, schema) => {
      expect(guide).toContain(optionTable(schema).join("\n"));
    },
  );

  it("lists the limits of channels with their defaults", () => {
    for (const [name, value] of Object.entries(CHANNEL_LIMITS)) expect(guide).toContain(`| \`${name}\` | \`${value}\` |`);
  });

  it("lists the models of each pipeline", () => {
    for (const [pipeline, names] of Object.entries(MODELS))
      expect(guide).toContain(`${pipeline} ${names.map((name) => `\`${name}\``).join(", ")}`);
  });
});
