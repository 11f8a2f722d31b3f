/** What happens to the world of its own: deaths, pauses, clocks set, cut links, slow and full stores, new versions. */
import { someMs } from "./chance.ts";
import type { Deployment } from "./engine.ts";
import type { Network } from "./network.ts";
import type { Feature } from "./plan.ts";
import type { SimulatedProcess } from "./process.ts";
import type { SimulatedWorld } from "./world.ts";

/** Each kind comes again and again until the world heals, at intervals of its own. */
export function disturb(world: SimulatedWorld, deployment: Deployment, network: Network): void {
  const { plan, schedule, faults } = world;

  const recurring = (
    feature: Feature,
    shortestMs: number,
    longestMs: number,
    act: (chance: ReturnType<typeof world.chance>) => void,
  ): void => {
    if (!plan.features.has(feature)) return;
    const chance = world.chance(`times of ${feature}`);
    const usualMs = someMs(chance, shortestMs, longestMs);
    const again = (): void =>
      void schedule.after(chance() * 2 * usualMs, () => {
        if (faults.isHealed) return;
        act(chance);
        again();
      });
    again();
  };

  const anyProcess = (chance: ReturnType<typeof world.chance>): SimulatedProcess | undefined => {
    const { living } = world;
    return living.length === 0 ? undefined : chance.oneOf(living);
  };

  recurring("crashes", 500, 20_000, (chance) => anyProcess(chance)?.die());
  recurring("pauses", 500, 20_000, (chance) => anyProcess(chance)?.pause(someMs(chance, 10, 40_000)));
  recurring("wall-jumps", 500, 20_000, (chance) => {
    // What was scheduled by a clock that is days ahead waits for days.
    const most = plan.features.has("later") ? 600_000 : 100_000_000;
    const ms = someMs(chance, 10, most) * chance.oneOf([1, -1]);
    anyProcess(chance)?.jump(ms);
  });
  recurring("slow-store", 1_000, 20_000, (chance) => faults.slowDown(someMs(chance, 100, 20_000)));
  recurring("full-store", 1_000, 20_000, (chance) => faults.fillUp(someMs(chance, 100, 20_000)));
  recurring("renewals", 2_000, 30_000, (chance) => deployment.renew(someMs(chance, 10, 5_000)));
  recurring("cuts", 100, 10_000, (chance) => network.cutOne(chance));
  recurring("stalls", 100, 10_000, (chance) => network.stallOne(chance, someMs(chance, 100, 30_000)));
}
