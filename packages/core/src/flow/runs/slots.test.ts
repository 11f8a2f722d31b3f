import { describe, expect, it } from "vitest";
import { defineHandler, type AnyHandler } from "../../handler.ts";
import { resolveOptions, type PartialOptions } from "../../options.ts";
import type { Claim, ClaimTerms, RequestKey } from "../../ports/requests.ts";
import { createSlots, type SlotsParts } from "./slots.ts";

const input = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
const handler = (action: string, more: Partial<AnyHandler> = {}): AnyHandler => defineHandler({ action, input, run: () => 1, ...more });
const inline = handler("inline");
const apart = handler("apart", { isolate: "file:///apart.ts" });
const capped = handler("capped", { concurrency: { total: 3, perTenant: 2 } });
const KEY = "t/u/r" as RequestKey;

/** Slots over a store that answers a claim when the test lets it. */
function setUp(options: PartialOptions = {}, isolatedSlots: number | "none" = 2) {
  const asked: ClaimTerms[] = [];
  const answers: PromiseWithResolvers<readonly Claim[]>[] = [];
  const log: string[] = [];
  let freed = 0;
  const engine = {
    requests: {
      claim: (terms: ClaimTerms) => {
        asked.push(terms);
        const answer = Promise.withResolvers<readonly Claim[]>();
        answers.push(answer);
        return answer.promise;
      },
    },
    ...(isolatedSlots !== "none" && { isolation: { slots: isolatedSlots } }),
    log: { error: (_: unknown, text: string) => void log.push(text) },
  } as unknown as SlotsParts["engine"];
  const slots = createSlots({
    engine,
    handlers: new Map([inline, apart, capped].map((each) => [each.action, each])),
    options: resolveOptions({ inlineSlots: 3, ...options }),
    onSlotFree: () => (freed += 1),
  });
  const claims = (...actions: string[]): Claim[] => actions.map((action) => ({ action }) as Claim);
  return { slots, asked, answers, log, claims, freed: () => freed };
}

describe("P14 slots", () => {
  it("are taken until none is free, each lane by itself", () => {
    const { slots, freed } = setUp();
    expect([1, 2, 3, 4].map(() => slots.take(inline))).toEqual([true, true, true, false]);
    expect([1, 2, 3].map(() => slots.take(apart))).toEqual([true, true, false]);
    slots.free(inline);
    expect(freed()).toBe(1);
    expect([slots.take(inline), slots.take(apart)]).toEqual([true, false]);
  });

  it("without worker processes everything runs inline", () => {
    const { slots } = setUp({}, "none");
    expect([1, 2, 3, 4].map(() => slots.take(apart))).toEqual([true, true, true, false]);
    expect(slots.take(inline)).toBe(false);
    expect(slots.terms.lanes).toMatchObject([
      { actions: ["inline", "apart", "capped"], slots: 3 },
      { actions: [], slots: 0 },
    ]);
  });

  it("say how many requests of an action run at once", () => {
    const { slots } = setUp();
    expect([inline, apart, capped].map((each) => slots.of(each))).toEqual([3, 2, 2]);
    expect(["inline", "apart", "capped", "elsewhere"].map((action) => slots.ofAction(action))).toEqual([3, 2, 2, Infinity]);
    // A process that leaves the queue to others knows nothing of theirs.
    const { slots: none } = setUp({ takesQueued: false });
    expect([inline, capped].map((each) => none.of(each))).toEqual([Infinity, 2]);
    expect(slots.terms.concurrency).toEqual({ capped: { total: 3, perTenant: 2 } });
  });

  it("a claim asks for what is free, and keeps a slot for each request that it got", async () => {
    const { slots, asked, answers, claims } = setUp();
    expect(slots.take(inline)).toBe(true);
    const claimed = slots.claim();
    expect(asked).toMatchObject([
      {
        leaseMs: 30_000,
        lanes: [
          { actions: ["inline", "capped"], free: 2 },
          { actions: ["apart"], free: 2 },
        ],
        concurrency: { capped: { total: 3, perTenant: 2 } },
      },
    ]);
    expect(asked[0]).not.toHaveProperty("key");
    // All that is free is held until it is known what was got.
    expect(await slots.claim()).toEqual([]);
    expect(asked).toHaveLength(1);
    answers[0]!.resolve(claims("inline", "apart"));
    expect(await claimed).toHaveLength(2);
    expect([1, 2].map(() => slots.take(inline))).toEqual([true, false]);
    expect([1, 2].map(() => slots.take(apart))).toEqual([true, false]);
  });

  it("one that is asked for while a claim is under way is had once the claim has left one", async () => {
    const { slots, answers, claims } = setUp();
    const claimed = slots.claim();
    const takes = [1, 2, 3].map(async () => slots.take(inline));
    answers[0]!.resolve(claims("inline"));
    await claimed;
    expect(await Promise.all(takes)).toEqual([true, true, false]);
    expect(slots.take(inline)).toBe(false);
  });

  it("a claim that fails leaves every slot as it was", async () => {
    const { slots, answers } = setUp();
    const claimed = slots.claim();
    answers[0]!.reject(new Error("the disk is full"));
    await expect(claimed).rejects.toThrow("the disk is full");
    // Nothing is known of who waits: a new request goes behind them.
    expect(slots.reserve(inline)).toBe(false);
    expect([1, 2, 3, 4].map(() => slots.take(inline))).toEqual([true, true, true, false]);
  });

  it("a new request is run by its own write only while nothing waits", async () => {
    const { slots, asked, answers, claims } = setUp();
    expect(slots.reserve(inline)).toBe(false);
    const nothing = slots.claim();
    answers[0]!.resolve([]);
    await nothing;
    expect(slots.reserve(capped)).toBe(false);
    const again = slots.claim();
    answers[1]!.resolve([]);
    await again;
    expect([1, 2, 3, 4].map(() => slots.reserve(inline))).toEqual([true, true, true, false]);
    slots.free(inline);
    // One was refused: it waits.
    expect(slots.reserve(inline)).toBe(false);
    // What one request alone got says nothing of the others.
    const one = slots.claim(KEY);
    expect(asked.at(-1)).toMatchObject({ key: KEY });
    answers[2]!.resolve([]);
    await one;
    expect(slots.reserve(inline)).toBe(false);
    const full = slots.claim();
    answers[3]!.resolve(claims("inline"));
    await full;
    slots.free(inline);
    expect(slots.reserve(inline)).toBe(false);
  });

  it("ask for a claim when one is free that somebody may be waiting for, and leave the store alone otherwise", async () => {
    const { slots, answers, claims, freed } = setUp();
    const nothing = slots.claim();
    answers[0]!.resolve([]);
    await nothing;
    for (let n = 0; n < 3; n += 1) expect(slots.take(inline)).toBe(true);
    slots.free(inline);
    expect(freed()).toBe(0);
    // A limit of its action may have held up others.
    expect(slots.take(capped)).toBe(true);
    slots.free(capped);
    expect(freed()).toBe(1);
    // Told that something waits while no slot was free, it is asked again as soon as one is.
    expect(slots.take(inline)).toBe(true);
    const other = slots.claim();
    slots.free(inline);
    expect(freed()).toBe(2);
    answers[1]!.resolve(claims());
    await other;
    const all = slots.claim();
    answers[2]!.resolve(claims("inline"));
    await all;
    slots.free(inline);
    expect(freed()).toBe(3);
  });

  it("P13 closed, are neither taken nor claimed", async () => {
    const { slots, asked } = setUp();
    slots.close();
    expect(slots.take(inline)).toBe(false);
    expect(slots.reserve(inline)).toBe(false);
    expect(await slots.claim()).toEqual([]);
    expect(asked).toEqual([]);
  });

  it("P15 tell a weight that is none in the log, and go on", () => {
    const { slots, asked, log } = setUp({ shares: { tenantWeight: () => Number.NaN } });
    void slots.claim();
    expect(asked[0]!.weightOf!("acme")).toBe(1);
    expect(log).toHaveLength(1);
  });
});
