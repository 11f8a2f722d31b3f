/** Rows that are equal, or come in turns: no cluster without rows, no anomaly by a tie, no sample that sees one kind only. */
import { seededRandom } from "@streamer/models";
import { describe, expect, it } from "vitest";
import { anomalyThreshold } from "../../src/process-data/learning/anomaly-threshold.ts";
import { dataFolder, failure, handlerOn, processed } from "./runs.ts";

const csv = (names: string, rows: readonly (readonly (number | string)[])[]): string =>
  [`id,${names}`, ...rows.map((row, at) => `r${at},${row.join(",")}`)].join("\n");
const times = <T>(count: number, row: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => row(at));
const input = (pipeline: string, options: Readonly<Record<string, unknown>>): unknown => ({
  pipeline,
  data_source: { type: "file", path: "rows.csv" },
  id_columns: ["id"],
  output: { format: "csv" },
  options,
});

describe("clusters of equal rows", () => {
  const presses = csv(
    "x,y",
    times(18, (at) => [(at % 9) * 7, (at % 9) ** 2]),
  );

  it("more clusters than different points are refused with the number there is", async () => {
    const error = await failure(await handlerOn(await dataFolder({ "rows.csv": presses })), input("clustering", { clusters: 10 }));
    expect(error).toMatchObject({ code: "PROCESSING_FAILED", message: expect.stringContaining("only 9 different points") as string });
  });

  it("as many clusters as different points are made, whatever a baseline would make", async () => {
    const { result } = await processed(await handlerOn(await dataFolder({ "rows.csv": presses })), input("clustering", { clusters: 9 }));
    expect(result.metrics).toMatchObject({ clusters: 9, sizes: times(9, () => 2) });
    expect(result.metrics.inertia).toBeCloseTo(0, 9);
  });

  it("kinds that take turns are as many clusters as they are, in whatever order they come", async () => {
    const random = seededRandom(5);
    const rows = csv(
      "x,y",
      times(24_000, (at) => [((at % 3) * 20 + random() + random()).toFixed(4), (random() + random()).toFixed(4)]),
    );
    const { result } = await processed(
      await handlerOn(await dataFolder({ "rows.csv": rows })),
      input("clustering", { scaling: "none", model: "kmeans" }),
    );
    expect(result.metrics.sizes).toEqual([8_000, 8_000, 8_000]);
  });
});

describe("anomalies among equal rows", () => {
  it.each(["isolation_forest", "local_outlier_factor", "baseline"])(
    "%s flags none of two values half and half, and says so",
    async (model) => {
      const coin = csv(
        "x",
        times(200, (at) => [at % 2]),
      );
      const { result } = await processed(await handlerOn(await dataFolder({ "rows.csv": coin })), input("anomaly", { model }));
      expect(result.metrics.flagged).toBe(0);
      expect(result.warnings).toEqual([expect.objectContaining({ kind: "anomaly_ties", count: 200 })]);
    },
  );

  it.each(["isolation_forest", "local_outlier_factor", "baseline"])(
    "%s flags five far values beside a plateau, and only them",
    async (model) => {
      const values = [...times(30, () => 0.1), ...times(29, (at) => 0.1 + at / 290), 27, 44.5, 63.7, 81.3, 95.9];
      const rows = csv(
        "x",
        values.map((value) => [value]),
      );
      const terms = input("anomaly", { model, contamination: 5 / 64 });
      const { output } = await processed(await handlerOn(await dataFolder({ "rows.csv": rows })), terms);
      const flagged = output.split("\n").filter((line) => /^\d+,r\d+,true/.test(line));
      expect(flagged.map((line) => line.split(",")[1])).toEqual(["r59", "r60", "r61", "r62", "r63"]);
    },
  );

  it("the threshold flags at most the share and one; equal scores are equal, up to rounding", () => {
    const spread = Float64Array.from({ length: 101 }, (_, at) => at);
    expect(anomalyThreshold(spread, 0.05)).toEqual({ threshold: 95, flagged: 6, allowed: 6, tied: 0 });
    expect(anomalyThreshold(Float64Array.of(1, 1, 1, 2, 2 + 1e-12, 5), 1 / 3)).toMatchObject({ threshold: 5, flagged: 1, tied: 2 });
    expect(anomalyThreshold(new Float64Array(50), 0.1)).toMatchObject({ flagged: 0, tied: 50 });
  });
});
