/** k-means against the best inertia of the reference, and its clusters against the reference's measures of them. */
import { describe, expect, it } from "vitest";
import { adjustedRand, clusterShape, silhouette } from "../src/metrics/clustering.ts";
import { fitKMeans } from "../src/distances/k-means.ts";
import { fitSlices } from "../src/distances/slices.ts";
import type { Matrix } from "../src/matrix.ts";
import { fitContext, labelsOf, readTable, reference, standardised, without } from "./data-sets.ts";

interface BestSeed {
  readonly best_seed: number;
}
type KMeansReference = Readonly<Record<"inertia" | "silhouette" | "davies_bouldin" | "calinski_harabasz", BestSeed>>;

const matrix = (...columns: readonly number[][]): Matrix => ({
  rowCount: columns[0]!.length,
  names: columns.map((_, at) => `c${at}`),
  columns: columns.map((values) => Float64Array.from(values)),
});

describe("k-means stands beside the reference", () => {
  it.each([
    { name: "penguins", dropped: ["species", "island", "sex", "year"], clusters: 3, key: "penguins/clustering:k3" },
    { name: "wine", dropped: ["colour", "quality"], clusters: 2, key: "wine-quality/clustering:k2" },
  ] as const)("$key", async ({ name, dropped, clusters, key }) => {
    const { x } = standardised(without(await readTable(name), ...dropped));
    const wanted = reference(key).kmeans as unknown as KMeansReference;
    const model = await fitKMeans(x, { clusters }, fitContext(1));
    expect(model.inertia).toBeLessThanOrEqual(wanted.inertia.best_seed * 1.01);
    const codes = model.assign(x);
    const shape = clusterShape(x, codes);
    expect(await silhouette(x, codes, new AbortController().signal)).toBeCloseTo(wanted.silhouette.best_seed, 3);
    expect(shape.daviesBouldin).toBeCloseTo(wanted.davies_bouldin.best_seed, 2);
    expect(Math.abs(shape.calinskiHarabasz / wanted.calinski_harabasz.best_seed - 1)).toBeLessThan(0.01);
  });

  it("finds the species of penguins by their measurements", async () => {
    const table = await readTable("penguins");
    const { x, rows } = standardised(without(table, "species", "island", "sex", "year"));
    const species = labelsOf(table.columns.get("species")!).codes;
    const model = await fitKMeans(x, { clusters: 3 }, fitContext(1));
    expect(
      adjustedRand(
        model.assign(x),
        rows.map((row) => species[row]!),
      ),
    ).toBeGreaterThan(0.75);
  });
});

describe("k-means at the edges", () => {
  it("the inertia is that of its own centers and rows", async () => {
    const x = matrix([0, 1, 10, 11, 20, 22]);
    const { inertia, centers } = await fitKMeans(x, { clusters: 3 }, fitContext(2));
    expect(inertia).toBeCloseTo(0.5 + 0.5 + 2, 12);
    expect([...centers].sort((a, b) => a - b)).toEqual([0.5, 10.5, 21]);
  });

  it("one cluster is the mean; as many clusters as rows cost nothing", async () => {
    const x = matrix([1, 2, 6], [0, 0, 3]);
    expect([...(await fitKMeans(x, { clusters: 1 }, fitContext(0))).centers]).toEqual([3, 1]);
    expect((await fitKMeans(x, { clusters: 3 }, fitContext(0))).inertia).toBe(0);
  });

  it("rows that are all the same make no cluster empty for ever", async () => {
    const model = await fitKMeans(matrix([5, 5, 5, 5]), { clusters: 2 }, fitContext(0));
    expect(model.inertia).toBe(0);
  });

  it("refuses more clusters than rows", async () => {
    await expect(fitKMeans(matrix([1, 2]), { clusters: 3 }, fitContext(0))).rejects.toThrow("There are 2 rows for 3 clusters.");
  });
});

describe("slices, what clusters have to beat", () => {
  it("are of equal count along the longest axis, with the means of their rows for centers", async () => {
    const x = matrix([0, 10, 1, 11, 20, 21], [1, 2, 2, 1, 1, 2]);
    const { centers, clusterCount, inertia, assign } = await fitSlices(x, { clusters: 3 }, fitContext(0));
    expect(clusterCount).toBe(3);
    expect([0, 2, 4].map((at) => [centers[at], centers[at + 1]]).sort((a, b) => a[0]! - b[0]!)).toEqual([
      [0.5, 1.5],
      [10.5, 1.5],
      [20.5, 1.5],
    ]);
    expect(inertia).toBeCloseTo(6 * 0.5, 12);
    const codes = assign(x);
    expect(codes[0]).toBe(codes[2]);
    expect(new Set(codes).size).toBe(3);
  });

  it("are fewer where equal rows fill more than one, and one where all are equal", async () => {
    expect((await fitSlices(matrix([1, 1, 1, 1, 9, 9]), { clusters: 3 }, fitContext(0))).clusterCount).toBe(2);
    expect((await fitSlices(matrix([4, 4, 4]), { clusters: 2 }, fitContext(0))).clusterCount).toBe(1);
  });
});
