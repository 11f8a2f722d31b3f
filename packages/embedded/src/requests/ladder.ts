/**
 * How many of a crowd have at least 1, 2, 3, … requests waiting: so that "what goes ahead within k rounds", the sum of
 * min(waiting, k) over all of them, takes a few steps however many there are. A Fenwick tree over those counts.
 */
export interface Ladder {
  tree: number[];
}

export const createLadder = (): Ladder => ({ tree: [0] });

/** One of the crowd now has one request more (`by` 1) or less (-1): `rung` is the higher of its counts. */
export function step(ladder: Ladder, rung: number, by: 1 | -1): void {
  const { tree } = ladder;
  // A new node sums the range below it: what is there already.
  for (let next = tree.length; next <= rung; next += 1) tree.push(within(ladder, next - 1) - within(ladder, next - (next & -next)));
  for (let at = rung; at < tree.length; at += at & -at) tree[at]! += by;
}

/** The sum of min(waiting, rounds) over the crowd. */
export function within({ tree }: Ladder, rounds: number): number {
  let sum = 0;
  for (let at = Math.min(Math.floor(rounds), tree.length - 1); at > 0; at -= at & -at) sum += tree[at]!;
  return sum;
}
