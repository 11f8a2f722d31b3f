/**
 * What the grower of a forest asks of a criterion. A criterion reads the rows of one node, then looks at candidate
 * features one by one and keeps the best split. Its loops run over typed arrays made once per fit.
 */
import type { RankedBundle, RankedFeature } from "./ranked-columns.ts";

/** The rows of one node: `rows` from `start` to before `end`. One object serves all nodes of a tree. */
export interface NodeRows {
  rows: Int32Array;
  start: number;
  end: number;
}

/** The best split so far. Rows with a rank up to `leftRank` go left; of a bundle's member, rows that are not on. */
export class BestSplit {
  feature = -1;
  leftRank = 0;
  rightRank = 0;
  score = -Infinity;

  clear(): void {
    this.feature = -1;
    this.score = -Infinity;
  }

  offer(score: number, feature: number, leftRank: number, rightRank: number): void {
    if (score <= this.score) return;
    this.score = score;
    this.feature = feature;
    this.leftRank = leftRank;
    this.rightRank = rightRank;
  }
}

export interface Criterion {
  readonly best: BestSplit;
  /** Reads the node; false when all its rows are alike, so that it is a leaf. */
  load(node: NodeRows): boolean;
  /** Counts rows by rank: for nodes with many rows for the ranks there are. Returns false if all have one rank. */
  tryCounted(node: NodeRows, feature: number, ranked: RankedFeature): boolean;
  /** `keys`: the node's rows, sorted by rank, as sort-keys makes them. */
  trySorted(keys: Int32Array, count: number, feature: number): void;
  /** One member of a bundle against the rest. The bundle is counted once a node, at its first member. */
  tryMember(node: NodeRows, feature: number, ranked: RankedFeature): boolean;
  /** Every member of a bundle that occurs in the node: what it costs does not grow with the members. */
  tryBundle(node: NodeRows, bundle: RankedBundle): void;
  /** How much the best split lowers the node's impurity, times the node's weight. */
  gain(): number;
  /** What a leaf of the loaded node answers. */
  leaf(): number;
}
