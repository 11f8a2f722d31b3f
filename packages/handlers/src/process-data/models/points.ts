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
