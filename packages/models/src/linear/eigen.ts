/**
 * Eigenvalues and eigenvectors of a symmetric matrix by Jacobi rotations (Golub and Van Loan, Matrix Computations, 8.5):
 * slower than other ways above a few hundred columns, but accurate to the last digits and short.
 */
import type { Steps } from "../pacing.ts";

export interface Eigen {
  /** Falling. */
  readonly values: Float64Array;
  /** Row after row, one vector each, in the order of the values. */
  readonly vectors: Float64Array;
}

const MAX_SWEEPS = 60;
/** Off-diagonal weight below this share of the whole is rounding. */
const NOTHING = 1e-30;

export function* eigenSymmetric(matrix: Float64Array, size: number): Steps<Eigen> {
  const a = matrix.slice();
  const vectors = new Float64Array(size * size);
  for (let at = 0; at < size; at += 1) vectors[at * size + at] = 1;
  const whole = a.reduce((total, value) => total + value * value, 0);
  for (let sweep = 0; sweep < MAX_SWEEPS && offDiagonal(a, size) > NOTHING * whole; sweep += 1) {
    for (let p = 0; p < size; p += 1) {
      for (let q = p + 1; q < size; q += 1) if (a[p * size + q] !== 0) rotate(a, vectors, { p, q, size });
      yield;
    }
  }
  const order = Array.from({ length: size }, (_, at) => at).sort((p, q) => a[q * size + q]! - a[p * size + p]!);
  const sorted = new Float64Array(size * size);
  order.forEach((from, to) => sorted.set(vectors.subarray(from * size, (from + 1) * size), to * size));
  return { values: Float64Array.from(order, (at) => a[at * size + at]!), vectors: sorted };
}

function offDiagonal(a: Float64Array, size: number): number {
  let total = 0;
  for (let row = 0; row < size; row += 1) for (let column = 0; column < row; column += 1) total += a[row * size + column]! ** 2;
  return total;
}

interface Pair {
  readonly p: number;
  readonly q: number;
  readonly size: number;
}

/** Turns rows and columns p and q so that their common cell becomes 0. */
function rotate(a: Float64Array, vectors: Float64Array, { p, q, size }: Pair): void {
  const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * a[p * size + q]!);
  const tangent = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cosine = 1 / Math.hypot(tangent, 1);
  const sine = tangent * cosine;
  for (let at = 0; at < size; at += 1) {
    const [ap, aq] = [a[at * size + p]!, a[at * size + q]!];
    a[at * size + p] = cosine * ap - sine * aq;
    a[at * size + q] = sine * ap + cosine * aq;
  }
  turnRows(a, { p, q, size }, cosine, sine);
  turnRows(vectors, { p, q, size }, cosine, sine);
}

function turnRows(rows: Float64Array, { p, q, size }: Pair, cosine: number, sine: number): void {
  for (let at = 0; at < size; at += 1) {
    const [rp, rq] = [rows[p * size + at]!, rows[q * size + at]!];
    rows[p * size + at] = cosine * rp - sine * rq;
    rows[q * size + at] = sine * rp + cosine * rq;
  }
}
