/**
 * The contract every engine passes: `adapterContract(createHarness)` registers its tests with vitest, one per promise,
 * each on a fresh store. A gap is a promise not kept yet: its test must fail, and it must name one.
 */
import { describe, expect, it } from "vitest";
import { askedAgainContract } from "./flow/asked-again.ts";
import { askedOptionsContract } from "./flow/asked-options.ts";
import { answersContract } from "./ports/answers.ts";
import { blobsContract } from "./ports/blobs.ts";
import { cancelContract } from "./ports/cancel.ts";
import { channelContract } from "./ports/channel.ts";
import { cancellingContract } from "./flow/cancelling.ts";
import { claimContract } from "./ports/claim.ts";
import { connectionLimitsContract } from "./flow/connection-limits.ts";
import { contextsContract } from "./flow/contexts.ts";
import { connectionsContract } from "./ports/connections.ts";
import { crashContract } from "./flow/crash.ts";
import { durabilityContract } from "./ports/durability.ts";
import { eventsContract } from "./ports/events.ts";
import { fairSharesContract } from "./ports/fair-shares.ts";
import { flowContract } from "./flow/whole-pipeline.ts";
import { isolationContract } from "./flow/isolation.ts";
import type { ContractTest, CreateHarness, Gap } from "./harness.ts";
import { leaseContract } from "./ports/lease.ts";
import { leavingContract } from "./flow/leaving.ts";
import { listContract } from "./ports/list.ts";
import { lateLeaseContract } from "./flow/late-lease.ts";
import { lostLeaseContract } from "./flow/lost-lease.ts";
import { modelContract } from "./ports/model.ts";
import { progressContract } from "./flow/progress.ts";
import { promotionContract } from "./flow/promotion.ts";
import { questionsContract } from "./flow/questions.ts";
import { routesContract } from "./flow/routes.ts";
import { recoverContract } from "./ports/recover.ts";
import { retryingContract } from "./flow/retrying.ts";
import { notYetContract } from "./flow/not-yet.ts";
import { resumedEtaContract } from "./flow/resumed-eta.ts";
import { damagedStoreContract } from "./flow/damaged-store.ts";
import { refusingStoreContract } from "./flow/refusing-store.ts";
import { retentionContract } from "./ports/retention.ts";
import { retryContract } from "./ports/retry.ts";
import { runTimesContract } from "./ports/run-times.ts";
import { storageContract } from "./ports/storage.ts";
import { storageFlowContract } from "./flow/storage.ts";
import { submitContract } from "./ports/submit.ts";
import { largeValuesContract } from "./flow/large-values.ts";
import { thrownContract } from "./flow/thrown.ts";
import { subscriptionsContract } from "./ports/subscriptions.ts";
import { waitsContract } from "./ports/waits.ts";
import { wakeupsContract } from "./ports/wakeups.ts";
import { wallClockContract } from "./ports/wall-clock.ts";

export { createManualClock, turnsOfTheLoop, type ManualClock } from "./clock.ts";
export { withFaults, type Fault, type FaultyEngine, type PortCall } from "./faults.ts";
export type { ClientEnd, CreateHarness, Gap, Harness } from "./harness.ts";
export { wireHandlers } from "./wire/handlers.ts";
export { wireContract, type WireTarget } from "./wire/wire.ts";
export { API_GATEWAY, DIRECT, type Transport } from "./wire/stage.ts";

const PARTS: Readonly<Record<string, (test: ContractTest) => void>> = {
  "requests: submit": submitContract,
  "requests: claim": claimContract,
  "requests: fair shares": fairSharesContract,
  "requests: storage": storageContract,
  "requests: lease": leaseContract,
  "requests: retry": retryContract,
  "requests: cancel": cancelContract,
  "requests: recover": recoverContract,
  "requests: retention": retentionContract,
  "requests: wall clock": wallClockContract,
  "requests: list": listContract,
  "requests: waits": waitsContract,
  "requests: durability": durabilityContract,
  "requests: against a model": modelContract,
  answers: answersContract,
  "run times": runTimesContract,
  events: eventsContract,
  subscriptions: subscriptionsContract,
  connections: connectionsContract,
  channel: channelContract,
  blobs: blobsContract,
  wakeups: wakeupsContract,
  "flow: the whole pipeline": flowContract,
  "flow: progress": progressContract,
  "flow: promotion of a sync run": promotionContract,
  "flow: what clients may ask": askedOptionsContract,
  "flow: when a resumed run will be done": resumedEtaContract,
  "flow: one life on every route": routesContract,
  "flow: values that are far too large": largeValuesContract,
  "flow: what handlers throw": thrownContract,
  "flow: crashes and repeats": crashContract,
  "flow: what is asked again": askedAgainContract,
  "flow: retrying by hand": retryingContract,
  "flow: isolation": isolationContract,
  "flow: what is not there yet": notYetContract,
  "flow: storage": storageFlowContract,
  "flow: cancelling": cancellingContract,
  "flow: limits of a connection": connectionLimitsContract,
  "flow: contexts": contextsContract,
  "flow: a process leaves": leavingContract,
  "flow: a lost lease": lostLeaseContract,
  "flow: a late lease": lateLeaseContract,
  "flow: a store that refuses": refusingStoreContract,
  "flow: a store that is damaged": damagedStoreContract,
  "flow: questions and refusals": questionsContract,
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
