/** How a limit is dealt out to the shards that count for it, so that together they never exceed it (P14). */
import { shards } from "../dynamodb/keys.ts";

/** A share of `limit` for each shard. */
const shareOf = (limit: number, shard: number): number => Math.floor(limit / shards.length) + (shard < limit % shards.length ? 1 : 0);

/**
 * The caps of the shards, which add up to the limit. What was accepted once is counted whatever the cap of its shard: by
 * so much the others may take less.
 */
export function dealtOut(limit: number, waiting: readonly number[]): readonly number[] {
  const shares = shards.map((shard) => shareOf(limit, shard));
  let excess = shards.reduce((sum, shard) => sum + Math.max(0, waiting[shard]! - shares[shard]!), 0);
  return shares
    .toReversed()
    .map((share, at) => {
      const less = Math.min(excess, Math.max(0, share - waiting[shards.length - 1 - at]!));
      excess -= less;
      return share - less;
    })
    .toReversed();
}
