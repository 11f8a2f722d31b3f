/** What the server under torture computes, so that whoever asks can tell what it should have: a chain of real hashing. */
import { createHash, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";

export const STEPS = 6;
const ROUNDS = 200;
/** About 20 ms of a core, off the event loop. */
const WORK_ROUNDS = 40_000;

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

const derive = promisify(pbkdf2);
export const work = async (n: number): Promise<string> => (await derive(String(n), "torture", WORK_ROUNDS, 32, "sha256")).toString("hex");
