/** The simulated world: one schedule, the processes in it, and what the plan does to their calls. */
import type { AnyHandler, RequestKey } from "@streamer/core";
import { createChance, hashOf, type Chance } from "./chance.ts";
import type { Process, World } from "./engine.ts";
import { createFaults, type Faults } from "./faults.ts";
import type { Plan } from "./plan.ts";
import { createProcess, type SimulatedProcess, type Surroundings } from "./process.ts";
import { createSchedule, type Schedule } from "./schedule.ts";

export interface SimulatedWorld extends World {
  readonly plan: Plan;
  readonly schedule: Schedule;
  readonly faults: Faults;
  chance(name: string): Chance;
  /** Real input and output of a start: however long it takes, it takes no time here. */
  outside<T>(work: Promise<T>): Promise<T>;
  /** Lets everything that waits for no time happen. */
  settle(): Promise<void>;
  readonly living: readonly SimulatedProcess[];
  /** Of all that was told. */
  readonly storyHash: number;
}

export interface WorldParts {
  readonly plan: Plan;
  readonly handlersOf: (process: Process) => readonly AnyHandler[];
  readonly onTouched: (key: RequestKey) => void;
  readonly broken: World["broken"];
  /** Each line of the story. */
  readonly listen?: ((line: string) => void) | undefined;
}

const WALL_START_MS = Date.UTC(2026, 0, 1);
/** Commits that may follow each other at one moment. */
const MOST_TURNS = 50;
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export function createWorld({ plan, handlersOf, onTouched, broken, listen }: WorldParts): SimulatedWorld {
  const chance = (name: string): Chance => createChance(plan.seed, name);
  const schedule = createSchedule(chance("ties"));
  const processes = new Set<SimulatedProcess>();
  const counts = new Map<string, number>();
  let outsideCount = 0;
  let storyHash = hashOf("story");

  const tell = (who: string, what: string): void => {
    const line = `${schedule.now.toFixed(3).padStart(12)}  ${who}  ${what}`;
    storyHash = hashOf(line, storyHash);
    listen?.(line);
  };
  const faults = createFaults({ plan, schedule, chance, tell });
  const surroundings: Surroundings = { schedule, wallStartMs: WALL_START_MS, fateOf: faults.fateOf, tell, working: 0 };

  return {
    plan,
    schedule,
    faults,
    chance,
    handlersOf,
    options: plan.options,
    channel: plan.channel,
    random: chance,
    tell,
    touched: onTouched,
    broken,
    clock: {
      now: () => Math.floor(WALL_START_MS + schedule.now),
      monotonic: () => schedule.now,
      after: (ms, callback) => schedule.after(ms, callback),
    },
    spawn: (kind, onDeath) => {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      const name = `${kind}-${count}`;
      const spawned = createProcess({
        name,
        world: surroundings,
        chance: chance(name),
        onDeath: () => {
          processes.delete(spawned);
          onDeath();
        },
      });
      processes.add(spawned);
      return spawned;
    },
    get living() {
      return Array.from(processes);
    },
    outside: async (work) => {
      outsideCount += 1;
      try {
        return await work;
      } finally {
        outsideCount -= 1;
      }
    },
    settle: async () => {
      await turn();
      while (outsideCount > 0) await turn();
      for (let turns = 1; surroundings.working > 0 && turns < MOST_TURNS; turns += 1) await turn();
    },
    get storyHash() {
      return storyHash;
    },
  };
}
