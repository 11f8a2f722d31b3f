/**
 * Processes that are started here, and ended by their id: each at its `stop`, and all that are left when this process ends,
 * however it does.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { passed } from "../clock.ts";

export interface Program {
  readonly command: string;
  readonly args: readonly (string | number)[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it prints once it serves. */
  readonly ready: RegExp;
  /** Gets what it prints. */
  readonly log: string;
  /** The CPU it is to stay on. */
  readonly cpu?: number;
  readonly stopSignal?: NodeJS.Signals;
}

export interface Child {
  readonly pid: number;
  /** Resolves once it has ended. One that does not in time is killed. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const READY_LOOK_MS = 5;
const STOP_WITHIN_MS = 10_000;
/** Of what it printed, for the error that says why it did not start. */
const SHOWN = 2_000;

const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

export const onCpu = (cpu: number | undefined, command: readonly string[]): readonly string[] =>
  cpu === undefined ? command : ["taskset", "--cpu-list", String(cpu), ...command];

/** Registers it among those that end with this process. */
export function owned(child: ChildProcess): ChildProcess {
  living.add(child);
  child.once("exit", () => living.delete(child));
  return child;
}

export async function startChild({ command, args, env = {}, ready, log, cpu, stopSignal = "SIGTERM" }: Program): Promise<Child> {
  const [first, ...rest] = onCpu(cpu, [command, ...args.map(String)]);
  const child = owned(spawn(first!, rest, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] }));
  const ended = once(child, "exit").catch(() => undefined);
  let printed = "";
  let isReady = false;
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (data: Buffer) => {
      appendFileSync(log, data);
      if (isReady) return;
      printed += data.toString();
      isReady = ready.test(printed);
    });
  const stop = async (signal: NodeJS.Signals = stopSignal): Promise<void> => {
    if (hasEnded(child)) return;
    child.kill(signal);
    await Promise.race([ended, passed(STOP_WITHIN_MS)]);
    if (!hasEnded(child)) child.kill("SIGKILL");
    await ended;
  };
  const until = performance.now() + READY_WITHIN_MS;
  while (!isReady) {
    if (child.pid === undefined || hasEnded(child) || performance.now() > until) {
      if (child.pid !== undefined) await stop();
      throw new Error(`${command} did not start: ${printed.slice(-SHOWN)}`);
    }
    await passed(READY_LOOK_MS);
  }
  return { pid: child.pid!, stop };
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
