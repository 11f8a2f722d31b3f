/** Rows as points in space, one after another: what clustering and neighbour search measure distances between. */
export interface Points {
  readonly cells: Float64Array;
  readonly width: number;
  readonly count: number;
}

/** From point `row` to point `other` of `others`. */
export function squaredDistance({ cells, width }: Points, row: number, others: Float64Array, other: number): number {
  let total = 0;
  for (let column = 0, a = row * width, b = other * width; column < width; column += 1, a += 1, b += 1) {
    const difference = cells[a]! - others[b]!;
    total += difference * difference;
  }
  return total;
}

/**
 * From point `row` to each of the first `into.length` of `others`. Four at once: a single sum would wait for each addition
 * to finish, four do not wait for each other.
 */
export function squaredDistances({ cells, width }: Points, row: number, others: Float64Array, into: Float64Array): void {
  const origin = row * width;
  let other = 0;
  for (; other + 3 < into.length; other += 4) {
    const from = other * width;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let column = 0, b = from; column < width; column += 1, b += 1) {
      const value = cells[origin + column]!;
      const d0 = value - others[b]!;
      const d1 = value - others[b + width]!;
      const d2 = value - others[b + 2 * width]!;
      const d3 = value - others[b + 3 * width]!;
      s0 += d0 * d0;
      s1 += d1 * d1;
      s2 += d2 * d2;
      s3 += d3 * d3;
    }
    into[other] = s0;
    into[other + 1] = s1;
    into[other + 2] = s2;
    into[other + 3] = s3;
  }
  for (; other < into.length; other += 1) {
    let total = 0;
    for (let column = 0, b = other * width; column < width; column += 1, b += 1) {
      const difference = cells[origin + column]! - others[b]!;
      total += difference * difference;
    }
    into[other] = total;
  }
}
