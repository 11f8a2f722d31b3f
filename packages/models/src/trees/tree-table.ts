/**
 * Trees as parallel arrays, all trees of a model in one table: no object a node. Nodes lie in the order of a walk that
 * goes left first, so a left child is the next node and only right children are written down:
 *
 *     splits      column × 2, plus 1 where a missing value goes left; LEAF for a leaf
 *     thresholds  a row goes left when its value is at most this; for a leaf: what it answers
 *     rights      the right child; 0 for a leaf
 *     roots       the first node of each tree
 */
import { rowMajor, type Matrix } from "../matrix.ts";
import { damaged, type ModelJson, packNumbers, unpackFloats, unpackInts } from "../packing.ts";

export const LEAF = -1;

export interface TreeTable {
  readonly splits: Int32Array;
  readonly thresholds: Float64Array;
  readonly rights: Int32Array;
  readonly roots: Int32Array;
}

/** Bytes of a node in the table. */
export const NODE_BYTES = 16;
/** Of what a table being written has room for: twice as much would be half unused at the end. */
const GROWTH = 1.5;

/** A table being written, node after node. */
export class TreeWriter {
  #splits: Int32Array = new Int32Array(1_024);
  #thresholds: Float64Array = new Float64Array(1_024);
  #rights: Int32Array = new Int32Array(1_024);
  readonly #roots: number[] = [];
  #count = 0;

  beginTree(): void {
    this.#roots.push(this.#count);
  }

  /** Returns the number of the new node; its right child is told later, by `setRight`. */
  add(split: number, threshold: number): number {
    if (this.#count === this.#splits.length) this.#grow();
    this.#splits[this.#count] = split;
    this.#thresholds[this.#count] = threshold;
    this.#count += 1;
    return this.#count - 1;
  }

  setRight(node: number, right: number): void {
    this.#rights[node] = right;
  }

  get nodeCount(): number {
    return this.#count;
  }

  /** What is written so far, not copied: for a look, before more is written. */
  written(): TreeTable {
    return {
      splits: this.#splits.subarray(0, this.#count),
      thresholds: this.#thresholds.subarray(0, this.#count),
      rights: this.#rights.subarray(0, this.#count),
      roots: Int32Array.from(this.#roots),
    };
  }

  /** The table, no larger than it has to be. Nothing can be written any more: each array makes room for the next. */
  finish(): TreeTable {
    const splits = this.#splits.slice(0, this.#count);
    this.#splits = new Int32Array(0);
    const thresholds = this.#thresholds.slice(0, this.#count);
    this.#thresholds = new Float64Array(0);
    const rights = this.#rights.slice(0, this.#count);
    this.#rights = new Int32Array(0);
    return { splits, thresholds, rights, roots: Int32Array.from(this.#roots) };
  }

  #grow(): void {
    const size = Math.ceil(GROWTH * this.#count);
    const larger = <T extends Int32Array | Float64Array>(into: T, from: T): T => {
      into.set(from);
      return into;
    };
    this.#splits = larger(new Int32Array(size), this.#splits);
    this.#thresholds = larger(new Float64Array(size), this.#thresholds);
    this.#rights = larger(new Int32Array(size), this.#rights);
  }
}

/** The table cut off after its first trees. */
export function firstTrees({ splits, thresholds, rights, roots }: TreeTable, count: number): TreeTable {
  const end = roots[count] ?? splits.length;
  return { splits: splits.slice(0, end), thresholds: thresholds.slice(0, end), rights: rights.slice(0, end), roots: roots.slice(0, count) };
}

/** Rows walked through one tree after another: their cells and the upper nodes stay in the cache. */
const BLOCK_ROWS = 512;

/** Tells, tree by tree, the leaf's answer for each row: `visit(tree, row, answer)` is where a model adds up. */
export interface LeafAnswers {
  /** Answers of one tree for the rows from `fromRow` on. */
  readonly answers: Float64Array;
  readonly tree: number;
  readonly fromRow: number;
  readonly rowCount: number;
}

export function forEachTree(table: TreeTable, x: Matrix, visit: (leaves: LeafAnswers) => void): void {
  const answers = new Float64Array(BLOCK_ROWS);
  for (let fromRow = 0; fromRow < x.rowCount; fromRow += BLOCK_ROWS) {
    const rowCount = Math.min(BLOCK_ROWS, x.rowCount - fromRow);
    const columns = x.columns.map((values) => values.subarray(fromRow, fromRow + rowCount));
    const rows = { cells: rowMajor({ rowCount, names: x.names, columns }), width: columns.length, rowCount };
    for (let tree = 0; tree < table.roots.length; tree += 1) {
      walk(table, table.roots[tree]!, rows, answers);
      visit({ answers, tree, fromRow, rowCount });
    }
  }
}

interface Rows {
  readonly cells: Float64Array;
  readonly width: number;
  readonly rowCount: number;
}

function walk({ splits, thresholds, rights }: TreeTable, root: number, { cells, width, rowCount }: Rows, answers: Float64Array): void {
  for (let row = 0, origin = 0; row < rowCount; row += 1, origin += width) {
    let node = root;
    let split = splits[node]!;
    while (split >= 0) {
      const value = cells[origin + (split >> 1)]!;
      // NaN is not at most anything: a missing value goes right unless the split's last bit says left.
      const isLeft = value <= thresholds[node]! || (value !== value && (split & 1) === 1);
      node = isLeft ? node + 1 : rights[node]!;
      split = splits[node]!;
    }
    answers[row] = thresholds[node]!;
  }
}

export const treesToJson = ({ splits, thresholds, rights, roots }: TreeTable): ModelJson => ({
  splits: packNumbers(splits),
  thresholds: packNumbers(thresholds),
  rights: packNumbers(rights),
  roots: packNumbers(roots),
});

/** Every right child must come after its parent, or a walk over a damaged file would never end. */
export function treesFromJson(json: ModelJson): TreeTable {
  const table = {
    splits: unpackInts(json, "splits"),
    thresholds: unpackFloats(json, "thresholds"),
    rights: unpackInts(json, "rights"),
    roots: unpackInts(json, "roots"),
  };
  const { splits, thresholds, rights, roots } = table;
  const isWhole = thresholds.length === splits.length && rights.length === splits.length;
  if (!isWhole || roots.some((root) => root < 0 || root >= splits.length)) throw damaged("trees");
  for (let node = 0; node < splits.length; node += 1) {
    if (splits[node]! >= 0 && !(rights[node]! > node && rights[node]! < splits.length)) throw damaged("rights");
  }
  return table;
}
