/**
 * The contract every engine passes: `adapterContract(createHarness)` registers its tests with vitest, one per promise,
 * each on a fresh store. A gap is a promise not kept yet: its test must fail, and it must name one.
 */
import { describe, expect, it } from "vitest";
import { blobsContract } from "./blobs.ts";
import { cancelContract } from "./cancel.ts";
import { channelContract } from "./channel.ts";
import { claimContract } from "./claim.ts";
import { connectionsContract } from "./connections.ts";
import { crashContract } from "./crash.ts";
import { durabilityContract } from "./durability.ts";
import { eventsContract } from "./events.ts";
import { flowContract } from "./flow.ts";
import type { ContractTest, CreateHarness, Gap } from "./harness.ts";
import { leaseContract } from "./lease.ts";
import { listContract } from "./list.ts";
import { modelContract } from "./model.ts";
import { promotionContract } from "./promotion.ts";
import { recoverContract } from "./recover.ts";
import { retentionContract } from "./retention.ts";
import { retryContract } from "./retry.ts";
import { runTimesContract } from "./run-times.ts";
import { submitContract } from "./submit.ts";
import { subscriptionsContract } from "./subscriptions.ts";
import { waitsContract } from "./waits.ts";
import { wakeupsContract } from "./wakeups.ts";

export { createManualClock, turnsOfTheLoop, type ManualClock } from "./clock.ts";
export { withFaults, type Fault, type FaultyEngine, type PortCall } from "./faults.ts";
export type { ClientEnd, CreateHarness, Gap, Harness } from "./harness.ts";
export { wireHandlers } from "./wire-handlers.ts";
export { wireContract, type WireTarget } from "./wire.ts";
export { API_GATEWAY, DIRECT, type Transport } from "./wire-stage.ts";

const PARTS: Readonly<Record<string, (test: ContractTest) => void>> = {
  "requests: submit": submitContract,
  "requests: claim": claimContract,
  "requests: lease": leaseContract,
  "requests: retry": retryContract,
  "requests: cancel": cancelContract,
  "requests: recover": recoverContract,
  "requests: retention": retentionContract,
  "requests: list": listContract,
  "requests: waits": waitsContract,
  "requests: durability": durabilityContract,
  "requests: against a model": modelContract,
  "run times": runTimesContract,
  events: eventsContract,
  subscriptions: subscriptionsContract,
  connections: connectionsContract,
  channel: channelContract,
  blobs: blobsContract,
  wakeups: wakeupsContract,
  "flow: the whole pipeline": flowContract,
  "flow: promotion of a sync run": promotionContract,
  "flow: crashes and repeats": crashContract,
};

export function adapterContract(createHarness: CreateHarness, gaps: readonly Gap[] = []): void {
  const names = new Set<string>();
  for (const [part, register] of Object.entries(PARTS)) {
    describe(part, () => {
      register((name, body) => {
        names.add(name);
        const gap = gaps.find(({ test }) => test === name);
        const run = async (): Promise<void> => {
          const harness = await createHarness();
          try {
            await body(harness);
          } finally {
            await harness.dispose();
          }
        };
        if (!gap) it(name, run);
        else {
          it(`${name} (gap: ${gap.reason})`, async () => {
            await expect(run(), "this promise is kept now: take the gap away").rejects.toBeDefined();
          });
        }
      });
    });
  }
  it("every gap names a test of the contract", () => {
    expect(gaps.filter(({ test }) => !names.has(test))).toEqual([]);
  });
}
