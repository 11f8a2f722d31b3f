/** One peer, started for one run: its store, its server, and a worker apart where that is what is killed. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { passed } from "../clock.ts";
import { freePort, startChild, type Child } from "./children.ts";
import type { Peer, ScenarioName } from "./peers.ts";
import type { HostSettings } from "./programs/parts.ts";
import type { StreamerSettings } from "./programs/streamer.ts";
import { SERVICES, type Service } from "./services.ts";

export interface StackParts {
  readonly peer: Peer;
  readonly scenario: ScenarioName;
  readonly slots: number;
  /** Empty, and its own. */
  readonly folder: string;
  readonly cpu: number | undefined;
  /** Where Streamer is imported from. */
  readonly streamerModule: string;
  readonly secret: string;
}

export interface Stack {
  readonly port: number;
  /** Of the server, its worker and its store: what now lives. */
  readonly pids: readonly number[];
  /** The process that holds the connections. */
  readonly holderPid: number;
  /** Kills what runs the jobs and starts it again a while later. Resolves with the ms from its start until it was ready. */
  crash(): Promise<number>;
  stop(): Promise<void>;
}

const DOWN_MS = 500;
const program = (name: "host" | "streamer"): string => join(import.meta.dirname, `programs/${name}.ts`);

/** A line for each start and end of a job that sleeps. */
export const runsLog = (folder: string): string => join(folder, "runs.log");

export async function startStack(parts: StackParts): Promise<Stack> {
  const { peer, folder, cpu } = parts;
  const port = await freePort();
  const service = await startService(parts);
  const node = (name: "host" | "streamer", settings: HostSettings | StreamerSettings, log: string): Promise<Child> =>
    startChild({
      command: process.execPath,
      args: ["--disable-warning=ExperimentalWarning", program(name), JSON.stringify(settings)],
      env: { NODE_ENV: "production", NODE_COMPILE_CACHE: join(folder, "compiled"), BENCH_RUNS_LOG: runsLog(folder) },
      ready: /READY/,
      log: join(folder, `${log}.log`),
      ...(cpu !== undefined && { cpu }),
    });
  const host = (role: HostSettings["role"]): Promise<Child> =>
    peer.made
      ? node("host", { ...hostSettings(parts, peer.made, role, port), ...service?.settings }, role)
      : node("streamer", streamerSettings(parts, port), role);

  const isApart = peer.made !== undefined && parts.scenario === "S6";
  const children: Child[] = [];
  const stop = async (): Promise<void> => {
    for (const child of [...children, ...(service ? [service] : [])]) await child.stop();
  };
  try {
    children.push(await host(isApart ? "server" : "whole"));
    if (isApart) children.push(await host("worker"));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    get pids() {
      return [...children, ...(service ? [service] : [])].map(({ pid }) => pid);
    },
    holderPid: children[0]!.pid,
    async crash() {
      const last = children.pop()!;
      await last.stop("SIGKILL");
      await passed(DOWN_MS);
      const from = performance.now();
      children.push(await host(isApart ? "worker" : "whole"));
      return performance.now() - from;
    },
    stop,
  };
}

async function startService({ peer, folder, cpu }: StackParts): Promise<Service | undefined> {
  if (!peer.service) return undefined;
  const own = join(folder, peer.service);
  mkdirSync(own);
  return SERVICES[peer.service].start({ folder: own, cpu });
}

function streamerSettings({ streamerModule, slots, secret, folder }: StackParts, port: number): StreamerSettings {
  return { module: streamerModule, port, dataFolder: join(folder, "data"), slots, secret };
}

function hostSettings(
  { peer, scenario, slots, folder }: StackParts,
  made: NonNullable<Peer["made"]>,
  role: HostSettings["role"],
  port: number,
): HostSettings {
  return { ...made, role, port, dataFolder: folder, slots, ...peer.tuned?.[scenario] };
}
