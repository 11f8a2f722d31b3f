import { expect, it } from "vitest";
import type { RequestKey } from "../../ports/requests.ts";
import { createArrivals } from "./arrivals.ts";

const KEY = "t/u/r" as RequestKey;

it("makes nobody wait for a request that was known within its turn", () => {
  const arrivals = createArrivals();
  const arrival = arrivals.arrive(KEY);
  expect(arrivals.known(KEY)).toBeUndefined();
  arrival.known();
  arrival.announce();
  expect(arrivals.known(KEY)).toBeUndefined();
});

it("P4 makes whoever asks wait until all requests under the key are known, once each", async () => {
  const arrivals = createArrivals();
  const [one, other] = [arrivals.arrive(KEY), arrivals.arrive(KEY)];
  one.announce();
  other.announce();
  const said: string[] = [];
  const asked = [arrivals.known(KEY), arrivals.known(KEY)].map(async (known) => {
    await known;
    said.push("known");
  });
  one.known();
  one.known();
  await Promise.resolve();
  expect(said).toEqual([]);
  other.known();
  await Promise.all(asked);
  expect(said).toEqual(["known", "known"]);
  expect(arrivals.known(KEY)).toBeUndefined();
});
