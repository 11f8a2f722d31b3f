/** What the killed server computes, so that the test can tell what it should have: a chain of real hashing. */
import { createHash } from "node:crypto";

export const STEPS = 6;
const ROUNDS = 400;

export function digestAfter(digest: string): string {
  let next = digest;
  for (let round = 0; round < ROUNDS; round += 1) next = createHash("sha256").update(next).digest("hex");
  return next;
}

export function chainOf(n: number): readonly string[] {
  const digests: string[] = [];
  for (let digest = String(n); digests.length < STEPS;) digests.push((digest = digestAfter(digest)));
  return digests;
}
