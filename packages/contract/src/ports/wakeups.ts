/** "Call me at t": the engine wakes whoever works when something may be runnable. Early, late or twice harms nobody. */
import { expect } from "vitest";
import type { ContractTest, Harness } from "../harness.ts";
import { DAY_MS, created, running, submission, terms } from "../samples.ts";

/** A wakeup may come this late, in ms. */
const SLACK_MS = 2_000;

function countWakes({ onWake }: Pick<Harness, "onWake">): { readonly count: number } {
  const wakes = { count: 0 };
  onWake(() => {
    wakes.count += 1;
  });
  return wakes;
}

export function wakeupsContract(test: ContractTest): void {
  test("P9 a wakeup comes at its time", async (harness) => {
    const { engine, clock } = harness;
    const runAt = clock.now() + 60_000;
    await created(engine, "r1", { runAt });
    await engine.wakeups.at(runAt, submission("r1").key);
    await clock.advance(59_000);
    const wakes = countWakes(harness);
    await clock.advance(1_000 + SLACK_MS);
    expect(wakes.count).toBeGreaterThan(0);
    expect(await engine.requests.claim(terms(1))).toHaveLength(1);
  });

  test("P9 each of many wakeups comes, whatever order they were asked in", async (harness) => {
    const { engine, clock } = harness;
    const start = clock.now();
    for (const [n, delayMs] of [50_000, 10_000, 30_000, 10_000].entries()) {
      await created(engine, `r${n}`, { runAt: start + delayMs });
      await engine.wakeups.at(start + delayMs, submission(`r${n}`).key);
    }
    const claimed: string[][] = [];
    harness.onWake(() => void engine.requests.claim(terms(10)).then((claims) => claimed.push(claims.map(({ requestId }) => requestId))));
    await clock.advance(10_000 + SLACK_MS);
    expect(claimed.flat().sort()).toEqual(["r1", "r3"]);
    await clock.advance(20_000);
    expect(claimed.flat()).toHaveLength(3);
    await clock.advance(20_000);
    expect(claimed.flat()).toHaveLength(4);
  });

  test("P9 a wakeup in the past, a repeated one, and one for nothing harm nobody", async (harness) => {
    const { engine, clock } = harness;
    const { lease } = await running(engine, "r1");
    const wakes = countWakes(harness);
    for (let n = 0; n < 3; n += 1) {
      await engine.wakeups.at(clock.now() - DAY_MS, lease.key);
      await engine.wakeups.at(clock.now() + 1_000, submission("nobody").key);
    }
    await clock.advance(1_000 + SLACK_MS);
    expect(wakes.count).toBeLessThan(50);
    expect(await engine.requests.claim(terms(1))).toEqual([]);
  });

  test("P9 a wakeup further away than any timer reaches still comes, and not at once", async (harness) => {
    const { engine, clock } = harness;
    const runAt = clock.now() + 60 * DAY_MS;
    await created(engine, "r1", { runAt });
    await engine.wakeups.at(runAt, submission("r1").key);
    await clock.advance(60 * DAY_MS - 1_000);
    const wakes = countWakes(harness);
    await clock.advance(1_000 + SLACK_MS);
    expect(wakes.count).toBeGreaterThan(0);
  });

  test("P2 P9 what waited for its time when the process died is woken by the next one", async (harness) => {
    const runAt = harness.clock.now() + 60_000;
    const { lease } = await running(harness.engine, "r1");
    await harness.engine.requests.reschedule(lease, { runAt, events: [] });
    await harness.engine.wakeups.at(runAt, lease.key);
    await harness.restart();
    const wakes = countWakes(harness);
    await harness.clock.advance(60_000 + SLACK_MS);
    expect(wakes.count).toBeGreaterThan(0);
    expect(await harness.engine.requests.claim(terms(1))).toHaveLength(1);
  });
}
