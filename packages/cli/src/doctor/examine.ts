/** Runs the checks in their order; each adds to what is known, and one that lacks what it needs is passed over. */
import type { AccessOptions } from "../access.ts";
import type { Shell } from "../shell.ts";
import { skipped, type Check, type Facts, type Finding } from "./check.ts";
import { LOCAL_CHECKS } from "./local.ts";
import { NETWORK_CHECKS } from "./network.ts";

export const CHECKS: readonly Check[] = [...LOCAL_CHECKS, ...NETWORK_CHECKS];

export interface Examined extends Finding {
  readonly check: string;
}

export async function* examine(options: AccessOptions, { env }: Shell): AsyncGenerator<Examined> {
  let facts: Facts = {};
  for (const { name, needs, look } of CHECKS) {
    const finding = needs.every((need) => facts[need] !== undefined)
      ? await look({ options, env, facts })
      : skipped("what it needs has failed");
    facts = { ...facts, ...finding.facts };
    yield { check: name, ...finding };
  }
}
