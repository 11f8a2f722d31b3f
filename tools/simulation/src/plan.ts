/**
 * What a seed's run is made of. Each run has a random part of all features switched on (swarm testing: Groce et al., ISSTA
 * 2012), so that what seldom happens together does, and what is always on hides nothing.
 */
import type { PartialOptions } from "@streamer/core";
import { createChance, someMs, type Chance } from "./chance.ts";

export const ENGINES = ["memory", "embedded", "aws"] as const;
export type EngineName = (typeof ENGINES)[number];

/** Each can be switched off by itself (`--without`), which leaves the chance of all others as it was. */
export const FEATURES = [
  "crashes",
  "deaths-in-calls",
  "pauses",
  "wall-jumps",
  "slow-store",
  "slow-reads",
  "refusals",
  "full-store",
  "renewals",
  "cuts",
  "stalls",
  "slow-network",
  "cancels",
  "redrives",
  "resends",
  "devices",
  "questions",
  "garbage",
  "floods",
  "odd-ends",
  "deaf-handlers",
  "long-runs",
  "small-limits",
  "concurrency",
  "later",
  "short-retention",
  "idempotency",
  "real-clients",
] as const;
export type Feature = (typeof FEATURES)[number];

/** Clocks of functions are kept in step by AWS. */
const NEVER: Readonly<Partial<Record<EngineName, readonly Feature[]>>> = { aws: ["wall-jumps"] };

/** By then an end has been told, whoever of those who were to tell it has died. */
const SHORTEST_RETENTION_MS: Readonly<Record<EngineName, number>> = { memory: 2_000, embedded: 2_000, aws: 180_000 };

export interface Plan {
  readonly seed: number;
  readonly engine: EngineName;
  readonly features: ReadonlySet<Feature>;
  readonly options: PartialOptions;
  readonly channel: { readonly softBufferBytes: number; readonly hardBufferBytes: number };
  readonly tenants: number;
  readonly usersPerTenant: number;
  readonly requestsPerUser: number;
  /** Faults and new requests come for so long; then the world heals. */
  readonly activeMs: number;
}

export function drawPlan(seed: number, engine: EngineName, without: ReadonlySet<string> = new Set()): Plan {
  const chance = createChance(seed, "plan");
  const density = chance.oneOf([0.15, 0.35, 0.6]);
  const features = new Set(
    FEATURES.filter((feature) => createChance(seed, `feature ${feature}`).happens(density) && !without.has(feature)),
  );
  for (const feature of NEVER[engine] ?? []) features.delete(feature);
  const leaseMs = someMs(chance, 2_000, 30_000);
  const softBufferBytes = chance.oneOf([600, 4_000, 1_048_576]);
  return {
    seed,
    engine,
    features,
    options: { leaseMs, ...drawOptions(chance, features, SHORTEST_RETENTION_MS[engine]) },
    channel: { softBufferBytes, hardBufferBytes: softBufferBytes * 8 },
    tenants: chance.within(1, 3),
    usersPerTenant: chance.within(1, 2),
    requestsPerUser: chance.within(1, 6),
    activeMs: someMs(chance, 1_000, 60_000),
  };
}

function drawOptions(chance: Chance, features: ReadonlySet<Feature>, shortestMs: number): PartialOptions {
  const isSmall = features.has("small-limits");
  return {
    inlineSlots: chance.oneOf(isSmall ? [1, 2] : [1, 3, 8, 64]),
    syncThresholdMs: someMs(chance, 50, 5_000),
    timeoutMs: someMs(chance, 5_000, 60_000),
    cancelGraceMs: someMs(chance, 100, 10_000),
    heartbeatMs: someMs(chance, 2_000, 30_000),
    retentionMs: features.has("short-retention") ? someMs(chance, shortestMs, shortestMs * 30) : 7 * 86_400_000,
    valueLength: chance.oneOf([2_000, 1_048_576]),
    admission: {
      messagesPerSecond: chance.oneOf(isSmall ? [2, 10] : [1_000]),
      ...(isSmall && {
        queued: chance.within(2, 12),
        queuedPerTenant: chance.within(1, 6),
        inFlightPerConnection: chance.within(1, 4),
        subscriptionsPerConnection: chance.within(1, 8),
      }),
    },
  };
}
