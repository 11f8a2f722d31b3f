/** SubscriptionManager: who follows what; a closed connection follows nothing. */
import { expect } from "vitest";
import type { RequestKey, Subscriptions } from "@streamer/core";
import type { ContractTest } from "../harness.ts";
import { EVE, submission } from "../samples.ts";

const { key: r1 } = submission("r1");
const { key: r2 } = submission("r2");
const { key: theirs } = submission("r1", { owner: EVE });

const followers = async (subscriptions: Subscriptions, key: RequestKey): Promise<readonly string[]> =>
  (await subscriptions.of(key)).map(({ connectionId }) => connectionId).sort();

export function subscriptionsContract(test: ContractTest): void {
  test("a request has the followers that were added, each once", async ({ engine: { subscriptions } }) => {
    expect(await followers(subscriptions, r1)).toEqual([]);
    expect(await subscriptions.add("c1", r1)).toBe(true);
    expect(await subscriptions.add("c2", r1)).toBe(true);
    expect(await subscriptions.add("c1", r1)).toBe(false);
    expect(await subscriptions.add("c1", r2)).toBe(true);
    expect(await followers(subscriptions, r1)).toEqual(["c1", "c2"]);
    expect(await followers(subscriptions, r2)).toEqual(["c1"]);
    expect([await subscriptions.countOf("c1"), await subscriptions.countOf("c2"), await subscriptions.countOf("c3")]).toEqual([2, 1, 0]);
  });

  test("removing one follower leaves the others, and may be repeated", async ({ engine: { subscriptions } }) => {
    await subscriptions.add("c1", r1);
    await subscriptions.add("c2", r1);
    await subscriptions.remove("c1", r1);
    await subscriptions.remove("c1", r1);
    await subscriptions.remove("c3", r2);
    expect(await followers(subscriptions, r1)).toEqual(["c2"]);
    expect(await subscriptions.countOf("c1")).toBe(0);
  });

  test("a closed connection follows nothing", async ({ engine: { subscriptions } }) => {
    for (const key of [r1, r2]) for (const connection of ["c1", "c2"]) await subscriptions.add(connection, key);
    await subscriptions.dropConnection("c1");
    await subscriptions.dropConnection("c1");
    expect(await followers(subscriptions, r1)).toEqual(["c2"]);
    expect(await followers(subscriptions, r2)).toEqual(["c2"]);
    expect(await subscriptions.countOf("c1")).toBe(0);
  });

  test("an ended request has no followers, and other requests keep theirs", async ({ engine: { subscriptions } }) => {
    for (const key of [r1, r2]) for (const connection of ["c1", "c2"]) await subscriptions.add(connection, key);
    expect([...(await subscriptions.dropRequest(r1))].sort()).toEqual(["c1", "c2"]);
    expect(await subscriptions.dropRequest(r1)).toEqual([]);
    expect(await followers(subscriptions, r1)).toEqual([]);
    expect(await followers(subscriptions, r2)).toEqual(["c1", "c2"]);
    expect(await subscriptions.countOf("c1")).toBe(1);
  });

  test("a follower is one until it is removed, whoever tells it", async ({ engine: { subscriptions } }) => {
    await subscriptions.add("c1", r1);
    expect([await subscriptions.has("c1", r1), await subscriptions.has("c1", r2), await subscriptions.has("c2", r1)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await subscriptions.handOver("c1", r1, 3)).toBe(true);
    expect(await subscriptions.handOver("c2", r1, 3)).toBe(true);
    expect(await subscriptions.has("c1", r1)).toBe(true);
    expect(await followers(subscriptions, r1)).toEqual(["c1"]);
    await subscriptions.remove("c1", r1);
    expect(await subscriptions.has("c1", r1)).toBe(false);
  });

  test("P10 the same id of another owner is another request", async ({ engine: { subscriptions } }) => {
    await subscriptions.add("c1", r1);
    expect(await followers(subscriptions, theirs)).toEqual([]);
  });
}
