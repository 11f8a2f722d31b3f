/** The part of a forest's criterion that is about bundles, and the same whatever is counted. */
import { BundleCounts } from "./bundle-counts.ts";
import type { RankedBundle, RankedFeature } from "./ranked-columns.ts";
import type { NodeRows } from "./split-search.ts";

export abstract class BundleSplits {
  readonly #bundles: readonly BundleCounts[];

  /** `stride`: numbers a code. */
  constructor(bundles: readonly RankedBundle[], stride: number) {
    this.#bundles = bundles.map(({ features }) => new BundleCounts(features.length + 1, stride));
  }

  tryMember(node: NodeRows, feature: number, { codes, member, bundle }: RankedFeature): boolean {
    const counted = this.#bundles[bundle]!;
    if (!counted.isCounted) this.#count(node, codes, counted);
    return this.offerMember(counted.counts, member, feature);
  }

  tryBundle(node: NodeRows, { index, codes, features }: RankedBundle): void {
    const counted = this.#bundles[index]!;
    this.#count(node, codes, counted);
    if (counted.presentCount === 1) return;
    for (let at = 0; at < counted.presentCount; at += 1) {
      const member = counted.present[at]!;
      if (member > 0) this.offerMember(counted.counts, member, features[member - 1]!);
    }
  }

  #count(node: NodeRows, codes: Uint16Array, counted: BundleCounts): void {
    counted.clear();
    counted.isCounted = true;
    counted.presentCount = this.countCodes(node, codes, counted);
  }

  protected forgetBundles(): void {
    for (const counts of this.#bundles) counts.isCounted = false;
  }

  /** Adds up by code and lists the codes that occur; answers how many. */
  protected abstract countCodes(node: NodeRows, codes: Uint16Array, into: Pick<BundleCounts, "counts" | "present">): number;
  /** One member against the rest; false when it is on in all rows or in none. */
  protected abstract offerMember(counts: Float64Array, member: number, feature: number): boolean;
}
