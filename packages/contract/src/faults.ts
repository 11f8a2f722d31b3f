/**
 * Faults between core and an engine: each call of a port may be dropped, delayed, repeated, refused, or be the last
 * thing its process does. `decide` is asked once per call, in the order the calls are made.
 *
 *   drop        never reaches the engine, and never answers
 *   refuse      never reaches the engine, and rejects as a store that is down does
 *   delay       reaches the engine after `turns` turns of the event loop: others may overtake it
 *   repeat      reaches the engine twice, the second time late; the first answer counts
 *   die_before  the process dies instead of making the call
 *   die_after   the engine has committed the call; the process dies before it hears of it
 */
import { StreamerError, type Engine } from "@streamer/core";
import { turnsOfTheLoop } from "./clock.ts";

export type Fault = "none" | "drop" | "refuse" | "repeat" | "die_before" | "die_after" | { readonly turns: number };

export interface PortCall {
  /** 1 for the first call of any port. */
  readonly number: number;
  /** "requests.settle" */
  readonly verb: string;
  readonly values: readonly unknown[];
}

export interface FaultyEngine extends Engine {
  readonly calls: readonly PortCall[];
  /** The process has died: nothing it does reaches the engine, and nothing answers it. */
  readonly isDead: boolean;
  /** Calls that the engine is busy with. */
  readonly inFlight: number;
}

const PORTS = ["requests", "answers", "runTimes", "events", "subscriptions", "connections", "channel", "blobs", "wakeups"] as const;
type Method = (...values: readonly unknown[]) => Promise<unknown>;

const never = (): Promise<never> => new Promise<never>(() => undefined);

export function withFaults(engine: Engine, decide: (call: PortCall) => Fault): FaultyEngine {
  const calls: PortCall[] = [];
  let isDead = false;
  let inFlight = 0;

  async function reach(method: Method, values: readonly unknown[]): Promise<unknown> {
    inFlight += 1;
    try {
      return await method(...values);
    } finally {
      inFlight -= 1;
    }
  }

  async function call(verb: string, method: Method, values: readonly unknown[]): Promise<unknown> {
    if (isDead) return never();
    const made = { number: calls.length + 1, verb, values };
    calls.push(made);
    const fault = decide(made);
    if (fault === "die_before") isDead = true;
    if (fault === "drop" || fault === "die_before") return never();
    if (fault === "refuse") throw new StreamerError("STORAGE_ERROR", `The store refused ${verb}, as the test asked.`);
    if (typeof fault === "object") await reach(() => turnsOfTheLoop(fault.turns), []);
    const answer = await reach(method, values);
    if (fault === "die_after") isDead = true;
    if (fault === "repeat") {
      await reach(() => turnsOfTheLoop(2), []);
      await reach(method, values);
    }
    return isDead ? never() : answer;
  }

  const wrap = (port: (typeof PORTS)[number]): unknown =>
    Object.fromEntries(
      Object.entries(engine[port]).flatMap(([name, method]) =>
        typeof method === "function"
          ? [[name, (...values: readonly unknown[]) => call(`${port}.${name}`, method.bind(engine[port]) as Method, values)]]
          : [],
      ),
    );

  return {
    ...engine,
    ...(Object.fromEntries(PORTS.map((port) => [port, wrap(port)])) as Pick<Engine, (typeof PORTS)[number]>),
    clock: { ...engine.clock, after: (ms, callback) => engine.clock.after(ms, () => void (isDead || callback())) },
    calls,
    get isDead() {
      return isDead;
    },
    get inFlight() {
      return inFlight;
    },
  };
}
