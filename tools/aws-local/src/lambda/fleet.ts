/**
 * The instances of one function: as many as run at the same time, up to its concurrency. Beyond that a caller is told so;
 * one that can wait is served as soon as an instance is free, in the order of asking.
 */
import { randomUUID } from "node:crypto";
import type { Faults, InvocationFault } from "../faults/faults.ts";
import { startInstance, type Instance, type InstanceTerms, type Outcome } from "./instance.ts";

export interface FunctionStatistics {
  readonly invocations: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly throttles: number;
  readonly coldStarts: number;
  /** From the start of the process until the handler could be called; one for each cold start. */
  readonly initMs: readonly number[];
  /** The latest thousand. */
  readonly durationMs: readonly number[];
  /** Durations and initialisations in whole milliseconds, as they are charged. */
  readonly billedMs: number;
}
export interface Served extends Outcome {
  readonly requestId: string;
}
export interface Fleet {
  /** Undefined when all instances are busy. */
  invoke(event: string, arn: string, requestId?: string): Promise<Served> | undefined;
  /** A place for one invocation, once there is one; undefined when the fleet was stopped meanwhile. */
  reserve(): Promise<Slot | undefined>;
  statistics(): FunctionStatistics;
  stop(): Promise<void>;
}
/** To be used once: run or given back. */
interface Slot {
  run(event: string, arn: string, requestId?: string): Promise<Served>;
  release(): void;
}
export interface FleetTerms {
  readonly instance: InstanceTerms;
  readonly concurrency: number;
  readonly idleMs: number;
  readonly decide?: Faults["invocation"];
}

const KEPT_DURATIONS = 1_000;

export function createFleet({ instance: terms, concurrency, idleMs, decide }: FleetTerms): Fleet {
  const idle: { readonly instance: Instance; readonly timer: NodeJS.Timeout }[] = [];
  const live = new Set<Instance>();
  const waiting: ((slot: Slot | undefined) => void)[] = [];
  let busyCount = 0;
  let isStopped = false;
  const counts = { invocations: 0, errors: 0, timeouts: 0, throttles: 0, coldStarts: 0, billedMs: 0 };
  const initMs: number[] = [];
  const durationMs: number[] = [];

  const take = (): Instance => {
    for (let held = idle.pop(); held; held = idle.pop()) {
      clearTimeout(held.timer);
      if (held.instance.isAlive) return held.instance;
      live.delete(held.instance);
    }
    const started = startInstance(terms);
    live.add(started);
    return started;
  };
  const end = (instance: Instance): void => {
    live.delete(instance);
    void instance.kill();
  };
  const keep = (instance: Instance): void => {
    if (!instance.isAlive || isStopped) return end(instance);
    const held = { instance, timer: setTimeout(() => expire(held), idleMs).unref() };
    idle.push(held);
  };
  const expire = (held: (typeof idle)[number]): void => {
    idle.splice(idle.indexOf(held), 1);
    end(held.instance);
  };
  const endOneIdle = (): void => {
    const held = idle.at(-1);
    if (held) expire(held);
  };
  const record = ({ isError, cause, initMs: coldMs, durationMs: ranMs }: Outcome): void => {
    counts.invocations += 1;
    if (isError) counts.errors += 1;
    if (cause === "timeout") counts.timeouts += 1;
    if (coldMs !== undefined) {
      counts.coldStarts += 1;
      initMs.push(coldMs);
    }
    durationMs.push(ranMs);
    if (durationMs.length > KEPT_DURATIONS) durationMs.shift();
    counts.billedMs += Math.ceil(ranMs) + Math.ceil(coldMs ?? 0);
  };
  /** Whoever waits longest gets the place; only when nobody does, it is free. */
  const release = (): void => {
    const next = waiting.shift();
    if (next) next(slot);
    else busyCount -= 1;
  };
  const run = async (event: string, arn: string, requestId: string = randomUUID()): Promise<Served> => {
    const fault = decide?.({ functionName: terms.name, event });
    if (fault?.kind === "cold") endOneIdle();
    const instance = take();
    const recover = breakLater(instance, fault);
    try {
      const outcome = await instance.invoke({ id: requestId, event, arn });
      record(outcome);
      return { ...outcome, requestId };
    } finally {
      recover();
      keep(instance);
      release();
    }
  };
  const slot: Slot = { run, release };
  const isFull = (): boolean => busyCount >= concurrency;

  return {
    invoke: (event, arn, requestId) => {
      if (isFull() || isStopped) {
        counts.throttles += 1;
        return undefined;
      }
      busyCount += 1;
      return run(event, arn, requestId);
    },
    reserve: async () => {
      if (isStopped) return undefined;
      if (isFull()) return new Promise((resolve) => void waiting.push(resolve));
      busyCount += 1;
      return slot;
    },
    statistics: () => ({ ...counts, initMs: [...initMs], durationMs: [...durationMs] }),
    stop: async () => {
      isStopped = true;
      for (const { timer } of idle.splice(0)) clearTimeout(timer);
      for (const leave of waiting.splice(0)) leave(undefined);
      await Promise.all(Array.from(live, (instance) => instance.kill()));
    },
  };
}

/** Kills or freezes the instance in a while, unless what it is asked now is over before. */
function breakLater(instance: Instance, fault: InvocationFault | undefined): () => void {
  if (fault === undefined || fault.kind === "cold") return () => undefined;
  const timer = setTimeout(() => (fault.kind === "kill" ? void instance.kill() : instance.freeze(fault.ms)), fault.afterMs);
  return () => clearTimeout(timer);
}
