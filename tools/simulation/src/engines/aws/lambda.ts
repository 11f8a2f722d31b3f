/**
 * Functions and their environments: an invocation gets an environment that is frozen, or a new one; one that takes longer
 * than it may is ended with its environment. One that has nothing to do for a while is ended too.
 */
import type { Context } from "aws-lambda";
import { someMs, type Chance } from "../../chance.ts";
import type { World } from "../../engine.ts";
import { createEnvironment, type Environment } from "./environment.ts";

export type Invoked =
  | { readonly outcome: "answered"; readonly value: unknown }
  | { readonly outcome: "failed"; readonly requestId: string; readonly reason: string };

/** What a function's environment has when it has started. */
export interface Instance {
  handle(event: never, context: Context): Promise<unknown>;
  /** What it still holds: empty when nothing. */
  leaks(): readonly string[];
}

export interface FunctionDeclaration {
  readonly timeoutMs: number;
  start(environment: Environment): Instance;
}

export interface Fleet {
  invoke(event: object): Promise<Invoked>;
  /** How many are being run. */
  readonly running: number;
  /** As for a new version: what runs goes on where it is, what comes is run elsewhere. */
  renew(): void;
  leaks(): readonly string[];
}

interface Seat {
  readonly environment: Environment;
  readonly instance: Instance;
  /** Ends the invocation it runs. */
  fail: ((reason: string) => void) | undefined;
  /** Of an older version. */
  isOld: boolean;
  callOffEnd: () => void;
}

const COLD_START_MS = [20, 2_000] as const;
const IDLE_LIFE_MS = [60_000, 900_000] as const;

export function createFleet(world: World, name: string, declaration: FunctionDeclaration, chance: Chance): Fleet {
  const { timeoutMs } = declaration;
  const seats = new Set<Seat>();
  let idle: Seat[] = [];
  let count = 0;

  function open(): Seat {
    const environment = createEnvironment(world, name, () => {
      seats.delete(seat);
      idle = idle.filter((other) => other !== seat);
      seat.callOffEnd();
      seat.fail?.("its process died");
    });
    const seat: Seat = { environment, instance: declaration.start(environment), fail: undefined, isOld: false, callOffEnd: () => {} };
    seats.add(seat);
    return seat;
  }

  function leave(seat: Seat): void {
    if (!seat.environment.process.isAlive) return;
    seat.environment.freeze();
    if (seat.isOld) return seat.environment.process.die();
    idle.push(seat);
    seat.callOffEnd = world.clock.after(someMs(chance, ...IDLE_LIFE_MS), () => seat.environment.process.die());
  }

  function run(seat: Seat, event: object): Promise<Invoked> {
    const { environment, instance } = seat;
    count += 1;
    const requestId = `${name}-invocation-${count}`;
    const endsAt = world.clock.monotonic() + timeoutMs;
    const context = {
      awsRequestId: requestId,
      functionName: name,
      getRemainingTimeInMillis: () => Math.max(0, endsAt - world.clock.monotonic()),
    } as unknown as Context;
    return new Promise<Invoked>((resolve) => {
      const end = (invoked: Invoked): void => {
        seat.fail = undefined;
        callOff();
        resolve(invoked);
      };
      const failed = (reason: string): void => end({ outcome: "failed", requestId, reason });
      const callOff = world.clock.after(timeoutMs, () => {
        world.tell(environment.process.name, "has no time left");
        environment.process.die();
      });
      seat.fail = failed;
      const serve = async (): Promise<void> => {
        environment.thaw();
        const answered = await instance.handle(event as never, context).then(
          (value): Invoked => ({ outcome: "answered", value }),
          (error: unknown): Invoked => ({ outcome: "failed", requestId, reason: String(error) }),
        );
        if (seat.fail !== failed) return;
        leave(seat);
        end(answered);
      };
      environment.process.enter(() => void serve());
    });
  }

  return {
    invoke: async (event) => {
      const seat = idle.pop();
      seat?.callOffEnd();
      if (seat) return run(seat, event);
      await new Promise<void>((resolve) => void world.clock.after(someMs(chance, ...COLD_START_MS), resolve));
      return run(open(), event);
    },
    get running() {
      return seats.size - idle.length;
    },
    renew: () => {
      for (const seat of seats) seat.isOld = true;
      for (const { environment } of idle) environment.process.die();
    },
    leaks: () =>
      Array.from(seats).flatMap(({ environment, instance, fail }) => [
        ...(fail ? [`${environment.process.name} still runs`] : []),
        ...instance.leaks().map((leak) => `${environment.process.name}: ${leak}`),
      ]),
  };
}
