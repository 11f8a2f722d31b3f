/**
 * Shares of the classes in leaves that hold more than one. A leaf's are one run of classes that occur in it, and a leaf of
 * a few rows has few of a hundred classes: runs take as much as there are rows in leaves, however many classes there are.
 */
import { damaged, type ModelJson, packNumbers, unpackFloats, unpackInts } from "../packing.ts";

/** Bytes of one class in one leaf. */
export const SHARE_BYTES = 12;

export interface LeafShares {
  /** The class; of a leaf's last one, -1 minus it. */
  readonly codes: Int32Array;
  readonly shares: Float64Array;
}

const FIRST_ROOM = 1_024;
const GROWTH = 1.5;

/** Shares being written, leaf after leaf. */
export class LeafSharesWriter {
  #codes: Int32Array = new Int32Array(FIRST_ROOM);
  #shares: Float64Array = new Float64Array(FIRST_ROOM);
  #count = 0;

  /** Returns where the leaf's shares begin. */
  add(classWeights: Float64Array, total: number): number {
    const begin = this.#count;
    for (let code = 0; code < classWeights.length; code += 1) if (classWeights[code]! > 0) this.#push(code, classWeights[code]! / total);
    this.#codes[this.#count - 1] = -1 - this.#codes[this.#count - 1]!;
    return begin;
  }

  finish(): LeafShares {
    const codes = this.#codes.slice(0, this.#count);
    this.#codes = new Int32Array(0);
    const shares = this.#shares.slice(0, this.#count);
    this.#shares = new Float64Array(0);
    return { codes, shares };
  }

  #push(code: number, share: number): void {
    if (this.#count === this.#codes.length) this.#grow();
    this.#codes[this.#count] = code;
    this.#shares[this.#count] = share;
    this.#count += 1;
  }

  #grow(): void {
    const size = Math.ceil(GROWTH * this.#count);
    const codes = new Int32Array(size);
    codes.set(this.#codes);
    this.#codes = codes;
    const shares = new Float64Array(size);
    shares.set(this.#shares);
    this.#shares = shares;
  }
}

/** Adds a leaf's shares to the sums of a row, which begin at `row`. */
export function addShares({ codes, shares }: LeafShares, begin: number, sums: Float64Array, row: number): void {
  let at = begin;
  for (; codes[at]! >= 0; at += 1) sums[row + codes[at]!]! += shares[at]!;
  sums[row - 1 - codes[at]!]! += shares[at]!;
}

export const sharesToJson = ({ codes, shares }: LeafShares): ModelJson => ({ codes: packNumbers(codes), shares: packNumbers(shares) });

/** The last run must have an end, and no class be beyond the last, or what is read from a damaged file is not of it. */
export function sharesFromJson(json: ModelJson, classCount: number): LeafShares {
  const codes = unpackInts(json, "codes");
  const shares = unpackFloats(json, "shares");
  const isWhole = codes.length === shares.length && (codes.length === 0 || codes.at(-1)! < 0);
  if (!isWhole || codes.some((code) => (code < 0 ? -1 - code : code) >= classCount)) throw damaged("leaves");
  return { codes, shares };
}
