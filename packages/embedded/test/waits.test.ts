/** Places in line: what one process with all requests in memory can tell beyond the contract. */
import { beforeEach, afterEach, expect, it } from "vitest";
import type { Harness } from "@streamer/contract";
import { submission, terms } from "@streamer/contract/samples";
import type { Submission, WaitTerms } from "@streamer/core";
import { createHarness } from "./harness.ts";

const TERMS: WaitTerms = { lanes: [{ actions: ["work"], slots: 1 }], concurrency: {} };

let harness: Harness;
beforeEach(async () => {
  harness = await createHarness();
});
afterEach(() => harness.dispose());

const submit = (requestId: string, more: Partial<Submission> = {}) => harness.engine.requests.submit(submission(requestId, more));
const claim = (free: number) => harness.engine.requests.claim(terms(free));
const news = async (asked = TERMS): Promise<readonly string[]> =>
  (await harness.engine.requests.waits(asked)).map(({ key, reason, position }) => `${key.split("/").at(-1)} ${reason} ${position ?? "-"}`);

it("tells a place in line when half of those ahead are gone, every ten seconds at most", async () => {
  for (let n = 0; n < 10; n += 1) await submit(`r${n}`);
  expect(await news()).toEqual([]);
  await claim(4);
  await harness.clock.advance(9_999);
  expect(await news()).toEqual([]);
  await harness.clock.advance(1);
  expect(await news()).toEqual(["r4 queue 0", "r5 queue 1", "r6 queue 2", "r7 queue 3", "r8 queue 4"]);
  await claim(5);
  await harness.clock.advance(10_000);
  expect(await news()).toEqual(["r9 queue 0"]);
});

it("counts higher priorities as ahead, and other lanes and what a limit holds as not", async () => {
  const apart: WaitTerms = { lanes: [...TERMS.lanes, { actions: ["other"], slots: 1 }], concurrency: { held: { total: 1 } } };
  const lanes = {
    ...apart,
    lanes: [
      { actions: ["work", "held"], slots: 1 },
      { actions: ["other"], slots: 1 },
    ],
  };
  await submit("low");
  await submit("theirs", { action: "other" });
  await submit("running", { action: "held" });
  await harness.engine.requests.claim({ leaseMs: 60_000, concurrency: {}, lanes: [{ actions: ["held"], free: 1 }] });
  await submit("held", { action: "held", priority: 9 });
  for (let n = 0; n < 3; n += 1) await submit(`high${n}`, { priority: 9 });
  await harness.clock.advance(10_000);
  const told = await news(lanes);
  expect(told).toContain("low queue 3");
  expect(told).toContain("held action_concurrency 0");
  expect(told.filter((line) => line.startsWith("theirs"))).toEqual(["theirs queue 0"]);
});

it("says that there is no worker for what nobody here can run", async () => {
  await submit("orphan", { action: "removed" });
  expect(await news()).toEqual(["orphan no_worker -"]);
  await harness.clock.advance(60_000);
  expect(await news()).toEqual([]);
});

it("tells a place again some time after a restart, and at once what was handed back", async () => {
  await submit("r1");
  await submit("r2");
  const [first] = await claim(1);
  await harness.engine.requests.release(first!.lease, { crashed: false });
  expect(await news()).toEqual(["r1 queue 0"]);
  await harness.restart();
  expect(await news()).toEqual([]);
  await harness.clock.advance(10_000);
  expect(await news()).toEqual(["r1 queue 0", "r2 queue 1"]);
});
