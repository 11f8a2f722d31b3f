/** What a result says of columns, flagged rows, clusters and components, and what it warns of. */
import { seededRandom } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import { describe, expect, it } from "vitest";
import { dataFolder, handlerOn, processed } from "./runs.ts";

const times = <T>(count: number, row: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => row(at));

async function run(csv: string, input: Readonly<Record<string, unknown>>): Promise<Awaited<ReturnType<typeof processed>>> {
  const handler = await handlerOn(await dataFolder({ "rows.csv": csv }));
  return processed(handler, { data_source: { type: "file", path: "rows.csv" }, output: { format: "csv" }, ...input });
}

describe("columns", () => {
  const random = seededRandom(4);
  const rows = times(1_200, (at) => {
    const [useful, noise] = [random(), random()];
    const churned = random() < useful;
    return [1_000 + at, useful.toFixed(4), noise.toFixed(4), churned ? 1 + random() : 0, churned ? "left" : "stayed"].join(",");
  });
  const csv = ["customer_no,useful,noise,exit_fee,kind", ...rows].join("\n");

  it.each([0, 3])("one that tells the target outright, and one that counts the rows, are warned of by name (%d folds)", async (folds) => {
    const { result } = await run(csv, { pipeline: "classification", target: "kind", options: { model: "boosting", folds } });
    expect(result.warnings.map(({ kind, column }) => [kind, column])).toEqual([
      ["id_column", "customer_no"],
      ["leak_column", "exit_fee"],
    ]);
  });

  it("their worth is measured on held-out rows, with its spread; noise is worth nothing", async () => {
    const { result } = await run(csv, {
      pipeline: "classification",
      target: "kind",
      features: ["useful", "noise"],
      options: { model: "boosting" },
    });
    expect(result.warnings).toEqual([]);
    const found = result.features["importances"] as unknown as readonly { column: string; permutation: { mean: number; std: number } }[];
    expect(found.map(({ column }) => column)).toEqual(["useful", "noise"]);
    expect(found[0]!.permutation.mean).toBeGreaterThan(0.1);
    expect(Math.abs(found[1]!.permutation.mean)).toBeLessThan(0.05);
    expect(found[0]!.permutation.std).toBeGreaterThan(0);
    expect(result.features["permutation"]).toMatchObject({ measure: "log loss", repeats: 5, unmeasured: 0 });
  });

  it("a number that is a function of another is a leak of it; a text that is one too", async () => {
    const doubled = ["x,y,word", ...times(600, (at) => `${at % 17},${3 * (at % 17) + 1},w${at % 17}`)].join("\n");
    const { result } = await run(doubled, { pipeline: "regression", target: "y", options: { model: "ridge" } });
    expect(result.warnings.map(({ kind, column }) => [kind, column])).toEqual([
      ["leak_column", "x"],
      ["leak_column", "word"],
    ]);
  });
});

describe("rows", () => {
  it("a flagged one has the columns that made it unusual, with its value and what is usual", async () => {
    const random = seededRandom(6);
    const lines = times(400, (at) => {
      const amount = at === 123 ? "9120.5" : (20 + 10 * random()).toFixed(1);
      return `${amount},${(random() * 5).toFixed(2)},${at === 321 ? "XX" : "DE"}`;
    });
    const csv = ["amount,delay,country", ...lines].join("\n");
    for (const model of ["isolation_forest", "local_outlier_factor", "baseline"]) {
      const { output } = await run(csv, { pipeline: "anomaly", options: { model, contamination: 0.005 } });
      const flagged = output.split("\n").filter((line) => /^\d+,true/.test(line));
      const line = flagged.find((one) => one.startsWith("124,"));
      expect(line, model).toMatch(/"?amount: 9120\.5 \(usually 20\.\d+ to 29\.\d+\)/);
      expect(flagged.find((one) => one.startsWith("322,")) ?? "country: XX (usually DE)", model).toContain("country: XX (usually DE)");
    }
  });

  it("clusters are described in the columns' own units", async () => {
    const lines = times(300, (at) => `${at % 2 === 0 ? 10 : 90},${at % 2 === 0 ? "small" : "large"},2024-0${1 + (at % 2)}-15`);
    const csv = ["size,kind,seen", ...lines].join("\n");
    const { result } = await run(csv, { pipeline: "clustering", options: { clusters: 2, model: "kmeans" } });
    const profiles = (result.metrics["profiles"] as unknown as readonly JsonObject[]).map(({ rows, columns }) => ({ rows, columns }));
    expect(profiles).toContainEqual({
      rows: 150,
      columns: {
        size: { mean: 10, median: 10 },
        kind: { most_common: "small", share: 1 },
        seen: { mean: "2024-01-15", median: "2024-01-15" },
      },
    });
  });

  it("principal components say what they are made of", async () => {
    const random = seededRandom(9);
    const csv = ["a,b,c", ...times(200, () => [random(), random()]).map(([a, c]) => `${a},${2 * a!},${c}`)].join("\n");
    const { result } = await run(csv, { pipeline: "transformation", options: { model: "pca", components: 2 } });
    const [first] = result.metrics["loadings"] as unknown as readonly {
      component: string;
      features: readonly { feature: string; loading: number }[];
    }[];
    expect(first!.component).toBe("pc1");
    expect(
      first!.features
        .slice(0, 2)
        .map(({ feature }) => feature)
        .toSorted(),
    ).toEqual(["a", "b"]);
    expect(first!.features[0]!.loading).toBeCloseTo(Math.SQRT1_2, 2);
  });
});
