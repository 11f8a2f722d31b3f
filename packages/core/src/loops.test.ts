import { createManualClock } from "@streamer/contract/clock";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createLoop, type Loop, type LoopParts } from "./loops.ts";

const BOUND_MS = 10_000;
let clock: ReturnType<typeof createManualClock>;
const lines: string[] = [];
const note = (fields: object, message: string): void => void lines.push(`${JSON.stringify({ ...fields, err: undefined })} ${message}`);
const log = { info: note, error: note };
const loop = (round: LoopParts["round"], everyMs?: number): Loop =>
  createLoop({ clock, log, name: "claim", round, boundMs: BOUND_MS, ...(everyMs !== undefined && { everyMs }) });

beforeEach(() => {
  clock = createManualClock();
  lines.length = 0;
});

describe("a background loop", () => {
  it("does its round each time, the next one after the last has ended", async () => {
    let count = 0;
    const { stop } = loop(async () => {
      count += 1;
      await new Promise<void>((resolve) => void clock.after(400, resolve));
    }, 1_000);
    await clock.advance(1_000);
    expect(count).toBe(1);
    await clock.advance(1_399);
    expect(count).toBe(1);
    await clock.advance(1);
    expect(count).toBe(2);
    stop();
    await clock.advance(60_000);
    expect(count).toBe(2);
  });

  it("L1 is nudged into one round more, however often it is nudged during one", async () => {
    const ends: (() => void)[] = [];
    const { nudge } = loop(() => new Promise<void>((resolve) => void ends.push(resolve)));
    await clock.advance(60_000);
    expect(ends).toHaveLength(0);
    for (let times = 0; times < 3; times += 1) nudge();
    expect(ends).toHaveLength(1);
    ends[0]!();
    await clock.advance(0);
    expect(ends).toHaveLength(2);
    ends[1]!();
    await clock.advance(0);
    expect(ends).toHaveLength(2);
  });

  it.each([
    ["rejects", () => Promise.reject(new Error("disk full"))],
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
  ])("L2 goes on after a round that %s, ever more slowly, and says so by its name", async (_, fail) => {
    let isBroken = true;
    const at: number[] = [];
    const start = clock.monotonic();
    const claim = loop(() => {
      at.push(clock.monotonic() - start);
      // Asked for while it fails: the pause stays as long.
      claim.nudge();
      if (isBroken) return fail();
      claim.stop();
      return undefined;
    });
    claim.nudge();
    await clock.advance(6_000);
    claim.nudge();
    expect(at).toEqual([0, 1_000, 3_000]);
    expect(claim.condition).toMatchObject({ state: "failing", forMs: 6_000, failures: 3, error: { message: "disk full" } });
    expect(claim.succeededMsAgo).toBeUndefined();
    await clock.advance(120_000);
    expect(at.slice(3)).toEqual([7_000, 15_000, 31_000, 61_000, 91_000, 121_000]);
    isBroken = false;
    await clock.advance(30_000);
    expect(claim.condition).toEqual({ state: "working" });
    expect(claim.succeededMsAgo).toBe(5_000);
    expect(lines).toHaveLength(10);
    expect(lines[0]).toContain('{"loop":"claim","failures":1,"again_in_ms":1000}');
    expect(lines.at(-1)).toContain("works again");
  });

  it("L2 a failure takes no longer to mend than the loop's own pause, if that is longer", async () => {
    const round = vi.fn<() => Promise<void>>(() => Promise.reject(new Error("no")));
    loop(round, 300_000);
    await clock.advance(300_000 + 511_000);
    expect(round).toHaveBeenCalledTimes(10);
    await clock.advance(300_000);
    expect(round).toHaveBeenCalledTimes(11);
  });

  it("L3 tells of a round that does not end, and of its end", async () => {
    const ends: (() => void)[] = [];
    const claim = loop(() => new Promise<void>((resolve) => void ends.push(resolve)));
    claim.nudge();
    await clock.advance(BOUND_MS - 1);
    expect(claim.condition).toEqual({ state: "working" });
    await clock.advance(5_000);
    expect(claim.condition).toEqual({ state: "stuck", forMs: BOUND_MS + 4_999 });
    expect(lines).toEqual([expect.stringContaining("does not end")]);
    ends[0]!();
    await clock.advance(0);
    expect(claim.condition).toEqual({ state: "working" });
    expect(lines).toHaveLength(2);
    // A later round has its own time: the watch that the first one left looks at whichever is under way.
    await clock.advance(5_000);
    claim.nudge();
    await clock.advance(BOUND_MS - 1);
    expect(lines).toHaveLength(2);
    await clock.advance(1);
    expect(lines).toHaveLength(3);
  });

  it("stops in the middle of a round, too", async () => {
    let count = 0;
    const claim = loop(async () => {
      count += 1;
      claim.nudge();
      claim.stop();
    });
    claim.nudge();
    await clock.advance(60_000);
    claim.nudge();
    expect(count).toBe(1);
  });

  it("L3 gives a younger round its own time when the watch of an older one rings", async () => {
    const ends: (() => void)[] = [];
    const claim = loop(() => new Promise<void>((resolve) => void ends.push(resolve)));
    claim.nudge();
    await clock.advance(4_000);
    ends[0]!();
    await clock.advance(0);
    claim.nudge();
    await clock.advance(BOUND_MS - 1);
    expect(lines).toEqual([]);
    await clock.advance(1);
    expect(lines).toEqual([expect.stringMatching(/"for_ms":10000.*does not end/)]);
  });

  it("stops where it rests, backs off, or is about to fail", async () => {
    let rounds = 0;
    const resting = loop(() => (rounds += 1), 1_000);
    resting.stop();
    const failing = loop(() => {
      rounds += 1;
      throw new Error("disk full");
    }, 1_000);
    await clock.advance(1_000);
    failing.stop();
    const halfway = loop(async () => {
      rounds += 1;
      halfway.stop();
      throw new Error("disk full");
    });
    halfway.nudge();
    await clock.advance(300_000);
    expect(rounds).toBe(2);
    expect(lines).toHaveLength(2);
  });
});
