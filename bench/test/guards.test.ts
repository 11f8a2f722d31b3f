/**
 * What requests cost is what was recorded: ratios to a floor in one process, and counts. Where they have changed on purpose,
 * `npm run bench:guards -- --record` records them anew.
 */
import { describe, expect, it } from "vitest";
import { countJobs } from "../guards/counts.ts";
import { recorded, verdictOf } from "../guards/guards.ts";
import { measureSyncCost } from "../guards/sync-cost.ts";

const RECORD = "If that is meant: npm run bench:guards -- --record";

describe("what a request costs", () => {
  it("CPU and memory of a sync request, by the floor's, are what was recorded", async () => {
    const [now, then] = [await measureSyncCost(), recorded().sync];
    for (const name of ["bytesToFloor", "cpuToFloor"] as const)
      expect(verdictOf(name, now[name], then[name]), `${name} ${now[name]}, recorded ${then[name]}. ${RECORD}`).toBe("as recorded");
  });

  it("statements and messages of a durable job are exactly those recorded", async () => {
    expect(await countJobs(), RECORD).toEqual(recorded().jobs);
  });

  it.each([
    ["cpuToFloor", 0.09],
    ["bytesToFloor", 0.02],
  ] as const)("a loss by a half of %s is seen, whatever noise of %d does", (name, noise) => {
    for (const luck of [1 - noise, 1, 1 + noise]) {
      expect(verdictOf(name, 5 * 1.5 * luck, 5)).toBe("worse");
      expect(verdictOf(name, 5 * luck, 5)).toBe("as recorded");
      expect(verdictOf(name, (5 / 1.5) * luck, 5)).toBe("better");
    }
  });
});
