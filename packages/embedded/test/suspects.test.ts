/** Requests that a process died over twice begin one at a time: the one that kills it becomes a dead letter alone (P3). */
import { COMPLETED, RECOVERY, created, record, submission, terms } from "@streamer/contract/samples";
import { expect, it } from "vitest";
import { createBacklog } from "../src/requests/backlog.ts";
import { createHarness } from "./harness.ts";

const NOW = 1e12;
const LANE = { lanes: [{ actions: ["work"], free: 10 }], concurrency: {} };

function createLine() {
  let elapsedMs = 0;
  const backlog = createBacklog(undefined, () => elapsedMs);
  const add = (id: number, deaths: number): void =>
    backlog.add({ id, action: "work", tenant: "A", user: "a", priority: 5, runAt: id, dueAt: -Infinity, deaths });
  return { backlog, add, take: () => backlog.take(LANE, NOW), wait: (ms: number) => (elapsedMs += ms) };
}

it("one suspect begins at a time, and holds up nobody else", () => {
  const { backlog, add, take } = createLine();
  for (const id of [1, 2, 3]) add(id, 2);
  for (const id of [4, 5]) add(id, 1);
  expect(take().toSorted((a, b) => a - b)).toEqual([1, 4, 5]);
  expect(take()).toEqual([]);
  expect(backlog.waiting).toBe(2);
  backlog.drop(4);
  expect(take()).toEqual([]);
  backlog.drop(1);
  expect(take()).toEqual([2]);
  // One that waits makes room as well, when it is cancelled.
  backlog.drop(2);
  backlog.nextRunAt(NOW);
  backlog.drop(3);
  add(6, 2);
  expect(take()).toEqual([6]);
});

it("a suspect that has run for a minute lets the next one go", () => {
  const { add, take, wait } = createLine();
  for (const id of [1, 2]) add(id, 2);
  expect(take()).toEqual([1]);
  wait(59_999);
  expect(take()).toEqual([]);
  wait(1);
  expect(take()).toEqual([2]);
});

it("what is undone leaves suspects as they were", () => {
  const undone: (() => void)[] = [];
  const backlog = createBacklog({ note: (undo) => void undone.push(undo) });
  const undo = (): void => {
    for (const one of undone.splice(0).toReversed()) one();
    undone.length = 0;
  };
  for (const id of [1, 2]) backlog.add({ id, action: "work", tenant: "A", user: "a", priority: 5, runAt: id, dueAt: -Infinity, deaths: 2 });
  undone.length = 0;
  expect(backlog.take(LANE, NOW)).toEqual([1]);
  undo();
  expect(backlog.take(LANE, NOW)).toEqual([1]);
  undone.length = 0;
  backlog.drop(1);
  undo();
  expect(backlog.take(LANE, NOW)).toEqual([]);
  backlog.drop(1);
  expect(backlog.take(LANE, NOW)).toEqual([2]);
});

it("P3 those that ran beside one that kills its process do not become dead letters with it", async () => {
  const harness = await createHarness();
  try {
    const ids = ["r1", "r2", "r3", "r4"];
    let killer = "";
    for (const id of ids) await created(harness.engine, id);
    const begun: number[] = [];
    for (let death = 1; death <= 3; death += 1) {
      const claims = await harness.engine.requests.claim(terms(9));
      begun.push(claims.length);
      killer = claims[0]!.requestId;
      await harness.restart();
      await harness.engine.requests.recover(RECOVERY);
    }
    expect(begun).toEqual([4, 4, 1]);
    const { engine } = harness;
    expect(await record(engine, submission(killer).key)).toMatchObject({ status: "FAILED" });
    const ended: string[] = [];
    for (let left = 3; left > 0; left -= 1) {
      const claims = await engine.requests.claim(terms(9));
      expect(claims).toHaveLength(1);
      await engine.requests.settle(claims[0]!.lease, COMPLETED);
      ended.push(claims[0]!.requestId);
    }
    expect(ended.toSorted()).toEqual(ids.filter((id) => id !== killer));
  } finally {
    await harness.dispose();
  }
});
