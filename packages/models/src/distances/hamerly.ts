/**
 * One run of k-means with Hamerly's bounds (2010): of each point are known its center, an upper bound of the distance to
 * it, and a lower bound of the distance to every other. While upper ≤ lower the point stays, whatever moved. Sums of the
 * clusters are kept up as points change sides.
 */
import type { Steps } from "../pacing.ts";
import { squaredDistance, squaredDistances, type Points } from "./points.ts";

const CHUNK_ROWS = 16_384;
/** Centers that together move less than this share of the mean variance have settled (squared). */
const SETTLED = 1e-8;

export class HamerlyRun {
  readonly centers: Float64Array;
  readonly #points: Points;
  readonly #clusters: number;
  readonly #codes: Int32Array;
  readonly #upper: Float64Array;
  readonly #lower: Float64Array;
  readonly #sums: Float64Array;
  readonly #counts: Float64Array;
  readonly #moves: Float64Array;
  readonly #halfGaps: Float64Array;
  /** From the point at hand to every center. */
  readonly #distances: Float64Array;
  readonly #settled: number;

  constructor(points: Points, centers: Float64Array) {
    this.#points = points;
    this.centers = centers;
    this.#clusters = centers.length / points.width;
    this.#codes = new Int32Array(points.count).fill(-1);
    this.#upper = new Float64Array(points.count).fill(Infinity);
    this.#lower = new Float64Array(points.count);
    this.#sums = new Float64Array(centers.length);
    this.#counts = new Float64Array(this.#clusters);
    this.#moves = new Float64Array(this.#clusters);
    this.#halfGaps = new Float64Array(this.#clusters);
    this.#distances = new Float64Array(this.#clusters);
    this.#settled = SETTLED * meanVariance(points);
  }

  /** Assigns every point, then moves the centers; false once nothing changes. */
  *step(): Steps<boolean> {
    this.#measureGaps();
    let changed = 0;
    for (let from = 0; from < this.#points.count; from += CHUNK_ROWS) {
      changed += this.#assign(from, Math.min(this.#points.count, from + CHUNK_ROWS));
      yield;
    }
    const isRefilled = this.#refillEmpty();
    const moved = this.#moveCenters();
    this.#loosenBounds();
    return isRefilled || (changed > 0 && moved > this.#settled);
  }

  /** From every point to its nearest center. */
  *inertia(): Steps<number> {
    let total = 0;
    for (let from = 0; from < this.#points.count; from += CHUNK_ROWS) {
      const to = Math.min(this.#points.count, from + CHUNK_ROWS);
      for (let point = from; point < to; point += 1) {
        squaredDistances(this.#points, point, this.centers, this.#distances);
        total += leastOf(this.#distances);
      }
      yield;
    }
    return total;
  }

  #assign(from: number, to: number): number {
    const upper = this.#upper;
    const lower = this.#lower;
    let changed = 0;
    for (let point = from; point < to; point += 1) {
      const code = this.#codes[point]!;
      if (code >= 0) {
        const bound = Math.max(this.#halfGaps[code]!, lower[point]!);
        if (upper[point]! <= bound) continue;
        upper[point] = Math.sqrt(squaredDistance(this.#points, point, this.centers, code));
        if (upper[point]! <= bound) continue;
      }
      if (this.#findNearest(point)) changed += 1;
    }
    return changed;
  }

  #findNearest(point: number): boolean {
    const distances = this.#distances;
    squaredDistances(this.#points, point, this.centers, distances);
    let nearest = Infinity;
    let second = Infinity;
    let code = 0;
    for (let candidate = 0; candidate < distances.length; candidate += 1) {
      const distance = distances[candidate]!;
      if (distance < nearest) {
        second = nearest;
        nearest = distance;
        code = candidate;
      } else if (distance < second) second = distance;
    }
    this.#upper[point] = Math.sqrt(nearest);
    this.#lower[point] = Math.sqrt(second);
    if (code === this.#codes[point]) return false;
    this.#transfer(point, code);
    return true;
  }

  #transfer(point: number, code: number): void {
    const { cells, width } = this.#points;
    const before = this.#codes[point]!;
    const origin = point * width;
    if (before >= 0) {
      this.#counts[before]! -= 1;
      for (let column = 0; column < width; column += 1) this.#sums[before * width + column]! -= cells[origin + column]!;
    }
    this.#counts[code]! += 1;
    for (let column = 0; column < width; column += 1) this.#sums[code * width + column]! += cells[origin + column]!;
    this.#codes[point] = code;
  }

  /** A cluster that lost all its points takes the one farthest from its center. */
  #refillEmpty(): boolean {
    const empty = this.#counts.indexOf(0);
    if (empty < 0) return false;
    let farthest = 0;
    for (let point = 1; point < this.#points.count; point += 1) {
      const isLonger = this.#upper[point]! > this.#upper[farthest]! && this.#counts[this.#codes[point]!]! > 1;
      if (isLonger) farthest = point;
    }
    if (this.#counts[this.#codes[farthest]!]! <= 1) return false;
    this.#transfer(farthest, empty);
    // The bounds know nothing of the center that jumped: every point is measured again.
    this.#upper.fill(Infinity);
    return true;
  }

  /** Returns the sum of the squared moves. */
  #moveCenters(): number {
    const { width } = this.#points;
    let total = 0;
    for (let code = 0; code < this.#clusters; code += 1) {
      let squared = 0;
      if (this.#counts[code] === 0) continue;
      for (let at = code * width; at < (code + 1) * width; at += 1) {
        const mean = this.#sums[at]! / this.#counts[code]!;
        squared += (mean - this.centers[at]!) ** 2;
        this.centers[at] = mean;
      }
      this.#moves[code] = Math.sqrt(squared);
      total += squared;
    }
    return total;
  }

  #loosenBounds(): void {
    const moves = this.#moves;
    let fastest = 0;
    for (let code = 1; code < moves.length; code += 1) if (moves[code]! > moves[fastest]!) fastest = code;
    let secondMove = 0;
    for (let code = 0; code < moves.length; code += 1) if (code !== fastest) secondMove = Math.max(secondMove, moves[code]!);
    for (let point = 0; point < this.#points.count; point += 1) {
      const code = this.#codes[point]!;
      this.#upper[point]! += moves[code]!;
      this.#lower[point]! -= code === fastest ? secondMove : moves[fastest]!;
    }
  }

  /** Half the distance to the nearest other center: closer than that to its own, a point has no nearer one. */
  #measureGaps(): void {
    const points: Points = { cells: this.centers, width: this.#points.width, count: this.#clusters };
    for (let code = 0; code < this.#clusters; code += 1) {
      let nearest = Infinity;
      for (let other = 0; other < this.#clusters; other += 1) {
        if (other !== code) nearest = Math.min(nearest, squaredDistance(points, code, this.centers, other));
      }
      this.#halfGaps[code] = Math.sqrt(nearest) / 2;
    }
  }
}

function leastOf(values: Float64Array): number {
  let least = Infinity;
  for (let at = 0; at < values.length; at += 1) if (values[at]! < least) least = values[at]!;
  return least;
}

function meanVariance({ cells, width, count }: Points): number {
  let total = 0;
  for (let column = 0; column < width; column += 1) {
    let sum = 0;
    let squares = 0;
    for (let at = column; at < cells.length; at += width) sum += cells[at]!;
    const mean = sum / count;
    for (let at = column; at < cells.length; at += width) squares += (cells[at]! - mean) ** 2;
    total += squares / count;
  }
  return total / width;
}
