/**
 * One process of the simulated world. While it is paused everything that reaches it waits, in order; when it is dead nothing
 * does. What it asks of the outside goes through `call`, where the plan's faults are.
 */
import { StreamerError, type Clock, type Log, type LogFields } from "@streamer/core";
import type { Chance } from "./chance.ts";
import type { Process } from "./engine.ts";
import type { Schedule } from "./schedule.ts";

/** What becomes of one call. */
export interface Fate {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly refused: boolean;
  readonly dies: "no" | "before" | "during" | "after";
}
export const NO_FATE: Fate = { beforeMs: 0, afterMs: 0, refused: false, dies: "no" };

/** What all processes of a world share. */
export interface Surroundings {
  readonly schedule: Schedule;
  readonly wallStartMs: number;
  fateOf(verb: string): Fate;
  tell(who: string, what: string): void;
  /** Calls that the outside is busy with. */
  working: number;
}

export interface SimulatedProcess extends Process {
  pause(ms: number): void;
  /** Its wall clock alone moves. */
  jump(ms: number): void;
}

const never = (): Promise<never> => new Promise<never>(() => undefined);

export interface ProcessParts {
  readonly name: string;
  readonly world: Surroundings;
  readonly chance: Chance;
  readonly onDeath: () => void;
}

export function createProcess({ name, world, chance, onDeath }: ProcessParts): SimulatedProcess {
  const { schedule } = world;
  const bornAt = schedule.now - 1_000 - chance() * 1_000_000;
  let isAlive = true;
  let pausedUntil = 0;
  let skewMs = 0;
  let idCount = 0;
  const queue: (() => void)[] = [];
  /** When the last answer about a key comes. */
  const answering = new Map<string, number>();

  const drain = (): void => {
    if (!isAlive) return;
    if (schedule.now < pausedUntil) return void schedule.after(pausedUntil - schedule.now, drain);
    queue.shift()?.();
    if (queue.length > 0) schedule.after(0, drain);
  };

  const enter = (action: () => void): void => {
    if (!isAlive) return;
    if (queue.length === 0 && schedule.now >= pausedUntil) return action();
    queue.push(action);
    if (queue.length === 1) schedule.after(Math.max(0, pausedUntil - schedule.now), drain);
  };

  const pass = (ms: number): Promise<void> => new Promise((resolve) => void schedule.after(ms, () => enter(resolve)));

  const die = (): void => {
    if (!isAlive) return;
    isAlive = false;
    world.tell(name, "dies");
    onDeath();
  };

  async function reach<T>(work: () => T | Promise<T>): Promise<T> {
    world.working += 1;
    try {
      return await work();
    } finally {
      world.working -= 1;
    }
  }

  /** Answers about one key keep their order, however long each takes. */
  async function comeBack(afterMs: number, key: string | undefined): Promise<void> {
    if (key === undefined) return pass(afterMs);
    const due = Math.max(schedule.now + afterMs, (answering.get(key) ?? -1) + 0.001);
    answering.set(key, due);
    await pass(due - schedule.now);
    if (answering.get(key) === due) answering.delete(key);
  }

  async function call<T>(verb: string, work: () => T | Promise<T>, key?: string): Promise<T> {
    if (!isAlive) return never();
    const fate = world.fateOf(verb);
    if (fate.beforeMs > 0) await pass(fate.beforeMs);
    if (!isAlive) return never();
    if (fate.dies !== "no") world.tell(name, `dies ${fate.dies} ${verb}`);
    if (fate.dies === "before") die();
    if (fate.refused) {
      world.tell(name, `is refused ${verb}`);
      throw new StreamerError("STORAGE_ERROR", `The store refused ${verb}, as the plan says.`);
    }
    if (!isAlive) return never();
    const working = reach(work);
    if (fate.dies === "during") die();
    const settled = await working.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    if (fate.dies === "after") die();
    if (isAlive && (fate.afterMs > 0 || answering.has(key ?? ""))) await comeBack(fate.afterMs, key);
    if (!isAlive) return never();
    if ("error" in settled) throw settled.error;
    return settled.value;
  }

  const clock: Clock = {
    now: () => Math.floor(world.wallStartMs + schedule.now + skewMs),
    monotonic: () => schedule.now - bornAt,
    // No timer of a machine rings at the moment at which it is set.
    after: (ms, callback) => (isAlive ? schedule.after(Math.max(1, ms), () => enter(callback)) : () => undefined),
  };
  const log = (level: string) => (fields: LogFields, message: string) => {
    if (!isAlive) return;
    const about = Object.entries(fields).map(
      ([field, value]) => `${field}=${value instanceof Error ? value.message : JSON.stringify(value)}`,
    );
    world.tell(name, `logs ${level}: ${message} ${about.join(" ")}`);
  };

  return {
    name,
    clock,
    random: chance,
    makeId: () => `${name}-id-${(idCount += 1)}`,
    log: { debug: log("debug"), info: log("info"), warn: log("warning"), error: log("error") } satisfies Log,
    get isAlive() {
      return isAlive;
    },
    die,
    enter,
    call,
    pause: (ms) => {
      world.tell(name, `is paused for ${ms} ms`);
      pausedUntil = Math.max(pausedUntil, schedule.now + ms);
    },
    jump: (ms) => {
      world.tell(name, `has its wall clock set by ${ms} ms`);
      skewMs += ms;
    },
  };
}
