/**
 * Isotonic regression: the rising step curve with the least squared error, by pooling adjacent violators (Ayer et al.
 * 1955). Between its corners the curve is read as straight lines, beyond them it stays level.
 */
export interface Isotonic {
  readonly positions: Float64Array;
  readonly heights: Float64Array;
}

interface Pool {
  sum: number;
  count: number;
  readonly low: number;
  high: number;
}

export function fitIsotonic(scores: Float64Array, truth: ArrayLike<number>): Isotonic {
  const pools: Pool[] = [];
  for (const group of groupsByScore(scores, truth)) {
    pools.push(group);
    for (let last = pools.at(-1)!, before = pools.at(-2); before && before.sum * last.count >= last.sum * before.count;) {
      before.sum += last.sum;
      before.count += last.count;
      before.high = last.high;
      pools.pop();
      last = before;
      before = pools.at(-2);
    }
  }
  const corners = pools.flatMap(({ low, high }) => (low === high ? [low] : [low, high]));
  const heights = pools.flatMap(({ low, high, sum, count }) => (low === high ? [sum / count] : [sum / count, sum / count]));
  return { positions: Float64Array.from(corners), heights: Float64Array.from(heights) };
}

/** Rows of one score together, scores rising. */
function groupsByScore(scores: Float64Array, truth: ArrayLike<number>): Pool[] {
  const sums = new Map<number, Pool>();
  for (let row = 0; row < scores.length; row += 1) {
    const score = scores[row]!;
    const group = sums.get(score) ?? { sum: 0, count: 0, low: score, high: score };
    group.sum += truth[row]!;
    group.count += 1;
    sums.set(score, group);
  }
  return [...sums.values()].sort((a, b) => a.low - b.low);
}

export function isotonicAt({ positions, heights }: Isotonic, score: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions[middle]! < score) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return heights[0]!;
  if (low === positions.length) return heights[low - 1]!;
  const share = (score - positions[low - 1]!) / (positions[low]! - positions[low - 1]!);
  return heights[low - 1]! + share * (heights[low]! - heights[low - 1]!);
}
