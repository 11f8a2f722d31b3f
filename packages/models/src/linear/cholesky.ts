/**
 * Solves A w = b for a symmetric positive definite A, of which the lower triangle is read (row-major), by its Cholesky
 * factor. Where features repeat each other and nothing is penalised A is singular: the diagonal is then raised by the
 * smallest amount that makes the factor exist, which is a penalty too weak to see.
 */
export function solvePositive(lower: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  let largest = 0;
  for (let at = 0; at < size; at += 1) largest = Math.max(largest, lower[at * size + at]!);
  for (let raise = 0; ; raise = raise === 0 ? largest * 1e-12 : raise * 10) {
    const factor = factorise(lower, size, raise);
    if (factor) return substitute(factor, right);
    if (!(raise <= largest)) throw new RangeError("The features cannot be solved for: their products are not finite.");
  }
}

function factorise(lower: Float64Array, size: number, raise: number): Float64Array | undefined {
  const factor = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column <= row; column += 1) {
      let rest = lower[row * size + column]! + (row === column ? raise : 0);
      for (let at = 0; at < column; at += 1) rest -= factor[row * size + at]! * factor[column * size + at]!;
      if (row !== column) factor[row * size + column] = rest / factor[column * size + column]!;
      // Less than rounding leaves of the diagonal is nothing: the row is a sum of earlier ones.
      else if (rest > 1e-13 * lower[row * size + row]!) factor[row * size + row] = Math.sqrt(rest);
      else return undefined;
    }
  }
  return factor;
}

function substitute(factor: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  const solution = right.slice();
  for (let row = 0; row < size; row += 1) {
    for (let at = 0; at < row; at += 1) solution[row]! -= factor[row * size + at]! * solution[at]!;
    solution[row]! /= factor[row * size + row]!;
  }
  for (let row = size - 1; row >= 0; row -= 1) {
    for (let at = row + 1; at < size; at += 1) solution[row]! -= factor[at * size + row]! * solution[at]!;
    solution[row]! /= factor[row * size + row]!;
  }
  return solution;
}
