/**
 * One environment of a function: a process that runs one invocation at a time and is frozen between two. Frozen, its timers
 * do not ring and it hears no answers; when it is thawed it hears all of them, in order.
 */
import type { Clock } from "@streamer/core";
import type { Process, World } from "../../engine.ts";

export interface Environment {
  /** With the clock that stands still while it is frozen. */
  readonly process: Process;
  call<T>(verb: string, work: () => T): Promise<T>;
  freeze(): void;
  thaw(): void;
}

export function createEnvironment(world: World, name: string, onDeath: () => void): Environment {
  const process = world.spawn(name, onDeath);
  let isFrozen = true;
  let held: (() => void)[] = [];

  const whenThawed = (action: () => void): void => {
    if (isFrozen) held.push(action);
    else action();
  };
  const clock: Clock = {
    now: () => process.clock.now(),
    monotonic: () => process.clock.monotonic(),
    after: (ms, callback) => {
      let isOff = false;
      const callOff = process.clock.after(ms, () => whenThawed(() => isOff || callback()));
      return () => {
        isOff = true;
        callOff();
      };
    },
  };

  return {
    process: Object.create(process, { clock: { value: clock } }) as Process,
    call: (verb, work) =>
      new Promise((resolve, reject) => {
        process.call(verb, work).then(
          (value) => whenThawed(() => resolve(value)),
          (error: Error) => whenThawed(() => reject(error)),
        );
      }),
    freeze: () => {
      isFrozen = true;
    },
    thaw: () => {
      isFrozen = false;
      const due = held;
      held = [];
      for (const action of due) action();
    },
  };
}
