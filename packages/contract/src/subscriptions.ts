/** SubscriptionManager: who follows what; a closed connection follows nothing. */
import { expect } from "vitest";
import type { ContractTest } from "./harness.ts";
import { EVE, submission } from "./samples.ts";

const { key: r1 } = submission("r1");
const { key: r2 } = submission("r2");
const { key: theirs } = submission("r1", { owner: EVE });

export function subscriptionsContract(test: ContractTest): void {
  test("a request has the followers that were added, each once", async ({ engine: { subscriptions } }) => {
    expect(await subscriptions.of(r1)).toEqual([]);
    expect(await subscriptions.add("c1", r1)).toBe(true);
    expect(await subscriptions.add("c2", r1)).toBe(true);
    expect(await subscriptions.add("c1", r1)).toBe(false);
    expect(await subscriptions.add("c1", r2)).toBe(true);
    expect([...(await subscriptions.of(r1))].sort()).toEqual(["c1", "c2"]);
    expect(await subscriptions.of(r2)).toEqual(["c1"]);
    expect([await subscriptions.countOf("c1"), await subscriptions.countOf("c2"), await subscriptions.countOf("c3")]).toEqual([2, 1, 0]);
  });

  test("removing one follower leaves the others, and may be repeated", async ({ engine: { subscriptions } }) => {
    await subscriptions.add("c1", r1);
    await subscriptions.add("c2", r1);
    await subscriptions.remove("c1", r1);
    await subscriptions.remove("c1", r1);
    await subscriptions.remove("c3", r2);
    expect(await subscriptions.of(r1)).toEqual(["c2"]);
    expect(await subscriptions.countOf("c1")).toBe(0);
  });

  test("a closed connection follows nothing", async ({ engine: { subscriptions } }) => {
    for (const key of [r1, r2]) for (const connection of ["c1", "c2"]) await subscriptions.add(connection, key);
    await subscriptions.dropConnection("c1");
    await subscriptions.dropConnection("c1");
    expect(await subscriptions.of(r1)).toEqual(["c2"]);
    expect(await subscriptions.of(r2)).toEqual(["c2"]);
    expect(await subscriptions.countOf("c1")).toBe(0);
  });

  test("an ended request has no followers, and other requests keep theirs", async ({ engine: { subscriptions } }) => {
    for (const key of [r1, r2]) for (const connection of ["c1", "c2"]) await subscriptions.add(connection, key);
    await subscriptions.dropRequest(r1);
    await subscriptions.dropRequest(r1);
    expect(await subscriptions.of(r1)).toEqual([]);
    expect([...(await subscriptions.of(r2))].sort()).toEqual(["c1", "c2"]);
    expect(await subscriptions.countOf("c1")).toBe(1);
  });

  test("P10 the same id of another owner is another request", async ({ engine: { subscriptions } }) => {
    await subscriptions.add("c1", r1);
    expect(await subscriptions.of(theirs)).toEqual([]);
  });
}
