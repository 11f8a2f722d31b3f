/** Chance of this machine: ids that nobody else makes, and lots. A run that is to be repeated hands in its own. */
import { randomBytes, randomUUID } from "node:crypto";

export interface Chance {
  /** In [0, 1). */
  readonly random: () => number;
  readonly makeId: () => string;
  /** That nobody can guess. */
  readonly makeSecret: () => string;
}

export const systemChance: Chance = {
  random: Math.random,
  makeId: () => randomUUID(),
  makeSecret: () => randomBytes(32).toString("base64url"),
};
