/** Loops that were written for speed, against the plain ones they stand for, on any number of rows and columns. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crossProducts } from "../src/linear/cross-products.ts";
import { linearScores } from "../src/linear/logistic.ts";
import { rowMajor, type Matrix } from "../src/matrix.ts";
import { NearestCenters } from "../src/distances/nearest-centers.ts";
import { paced } from "../src/pacing.ts";
import { squaredDistance } from "../src/distances/points.ts";
import { seededRandom } from "../src/random.ts";

/** More than a block of each loop, and fewer; and every remainder of columns. */
const SHAPE = fc.record({
  rowCount: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 200, max: 2_100 })),
  width: fc.integer({ min: 1, max: 11 }),
  seed: fc.integer(),
});

interface Shape {
  readonly rowCount: number;
  readonly width: number;
  readonly seed: number;
}

/** Whole numbers, of which many are equal: ties are part of it. */
function madeMatrix({ rowCount, width, seed }: Shape): { readonly x: Matrix; readonly draw: () => number } {
  const random = seededRandom(seed);
  const draw = (): number => Math.floor(random() * 9) - 4;
  const columns = Array.from({ length: width }, () => Float64Array.from({ length: rowCount }, draw));
  return { x: { rowCount, names: columns.map((_, at) => `c${at}`), columns }, draw };
}

describe("inner loops", () => {
  it("each row's nearest center is the first of the nearest", () => {
    fc.assert(
      fc.property(SHAPE, fc.integer({ min: 1, max: 7 }), (shape, clusterCount) => {
        const { x, draw } = madeMatrix(shape);
        const centers = Float64Array.from({ length: clusterCount * shape.width }, draw);
        const points = { cells: rowMajor(x), width: shape.width, count: shape.rowCount };
        const wanted = Int32Array.from({ length: shape.rowCount }, (_, row) => {
          const distances = Array.from({ length: clusterCount }, (_unused, code) => squaredDistance(points, row, centers, code));
          return distances.indexOf(Math.min(...distances));
        });
        expect(new NearestCenters(centers, clusterCount).assign(x)).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });

  it("linear scores are features times weights, and the intercept", () => {
    fc.assert(
      fc.property(SHAPE, (shape) => {
        const { x, draw } = madeMatrix(shape);
        const parameters = Float64Array.from({ length: shape.width + 1 }, draw);
        const wanted = Float64Array.from({ length: shape.rowCount }, (_, row) =>
          x.columns.reduce((sum, values, column) => sum + parameters[column]! * values[row]!, parameters[shape.width]!),
        );
        expect(linearScores(x, parameters)).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });

  it("cross products are sums over weighted, centred rows", async () => {
    await fc.assert(
      fc.asyncProperty(SHAPE, fc.boolean(), async (shape, isWeighted) => {
        const { x, draw } = madeMatrix(shape);
        const weights = Float64Array.from({ length: shape.rowCount }, () => (isWeighted ? 5 + draw() : 1));
        const terms = { tell: () => {}, ...(isWeighted && { rowWeights: weights }) };
        const { means, sums, stride } = await paced(crossProducts(x.columns, terms), new AbortController().signal);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const wantedMeans = x.columns.map((values) => values.reduce((sum, value, row) => sum + value * weights[row]!, 0) / total);
        for (let a = 0; a < shape.width; a += 1) {
          expect(means[a]).toBeCloseTo(wantedMeans[a]!, 9);
          for (let b = 0; b <= a; b += 1) {
            const wanted = weights.reduce(
              (sum, weight, row) => sum + weight * (x.columns[a]![row]! - wantedMeans[a]!) * (x.columns[b]![row]! - wantedMeans[b]!),
              0,
            );
            expect(Math.abs(sums[a * stride + b]! - wanted)).toBeLessThan(1e-8 * (1 + Math.abs(wanted)));
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
