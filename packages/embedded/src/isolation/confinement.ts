/**
 * What a worker process may have of the machine, put on it before its program begins: by prlimit and unshare (util-linux),
 * which become the program themselves, so that the process is the one that was started. What the machine cannot do is
 * told, at the start of the server and by `streamer doctor`, and left out: a server without it is as it was before.
 *
 * Memory is private memory that may be written (RLIMIT_DATA). The address space is no measure of it, because V8 and each
 * WebAssembly memory reserve gigabytes that they never touch: its limit is far above, for what reserves without end. Processes are counted within a user namespace alone:
 * elsewhere the system counts all those of the user.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface WorkerLimits {
  /** Memory of its own in bytes, the 600 MB included that Node sets aside. Default 2,560 MiB. */
  readonly memoryBytes: number;
  /** Time on all processors together, of all runs of a process; it is replaced before half of it is left. Default 4 hours. */
  readonly cpuSeconds: number;
  /** Address space in bytes, reservations included. Default 128 GiB. */
  readonly addressBytes: number;
  /** Of one file that is written, in bytes. Default 32 GiB. */
  readonly fileBytes: number;
  /** Descriptors. Default 1,024. */
  readonly openFiles: number;
  /** Processes and threads, where it has no network. Default 512. */
  readonly processes: number;
}

const GIB = 1_073_741_824;
export const WORKER_LIMITS: WorkerLimits = {
  memoryBytes: 2.5 * GIB,
  cpuSeconds: 4 * 3_600,
  addressBytes: 128 * GIB,
  fileBytes: 32 * GIB,
  openFiles: 1_024,
  processes: 512,
};

/** `ok` says what holds, `missing` what does not, and why. */
export interface Confined {
  readonly what: "limits" | "network";
  readonly state: "ok" | "missing";
  readonly message: string;
}

export interface Confinement {
  readonly limits: WorkerLimits;
  /** Before the program and its arguments; empty where nothing can be put on it. */
  commandFor(network: boolean): readonly string[];
  readonly told: readonly [Confined, Confined];
}

const WITHOUT_NETWORK = ["unshare", "--user", "--map-current-user", "--net", "--"];
/** From the signal that says so to the end by the system. */
const CPU_GRACE_SECONDS = 5;
const PROBE_MS = 5_000;

const found = new Map<string, Confinement>();

/** Looked for once for the same limits. */
export function findConfinement(chosen: Partial<WorkerLimits> = {}): Confinement {
  const limits = { ...WORKER_LIMITS, ...chosen };
  const key = JSON.stringify(limits);
  const known = found.get(key) ?? probe(limits);
  found.set(key, known);
  return known;
}

function probe(limits: WorkerLimits): Confinement {
  const limited = limitCommand(limits, hardLimits());
  const noLimits = whyNot([...limited, "true"]);
  const noNamespace = whyNot([...WITHOUT_NETWORK, "true"]);
  const prefix = noLimits === undefined ? limited : [];
  const { memoryBytes, cpuSeconds, openFiles, processes } = limits;
  const counted = noLimits === undefined ? ["prlimit", `--nproc=${processes}`, "--"] : [];
  return {
    limits,
    commandFor: (network) => [...prefix, ...(network || noNamespace !== undefined ? [] : [...WITHOUT_NETWORK, ...counted])],
    told: [
      noLimits === undefined
        ? {
            what: "limits",
            state: "ok",
            message: `worker processes have ${Math.round(memoryBytes / 1_048_576)} MiB of memory, ${cpuSeconds} s of CPU time and ${openFiles} descriptors at most`,
          }
        : { what: "limits", state: "missing", message: `worker processes have no limits of memory, CPU time and descriptors: ${noLimits}` },
      noNamespace === undefined
        ? { what: "network", state: "ok", message: "handlers that declare `network: false` have none in their worker processes" }
        : {
            what: "network",
            state: "missing",
            message: `handlers that declare \`network: false\` have the server's network in their worker processes: ${noNamespace}`,
          },
    ],
  };
}

/** What is limited already cannot be widened. */
function limitCommand(
  { memoryBytes, cpuSeconds, addressBytes, fileBytes, openFiles }: WorkerLimits,
  hard: ReadonlyMap<string, number>,
): readonly string[] {
  const least = (value: number, name: string): number => Math.min(value, hard.get(name) ?? Infinity);
  const cpu = least(cpuSeconds, "Max cpu time");
  return [
    "prlimit",
    `--data=${least(memoryBytes, "Max data size")}`,
    `--cpu=${cpu}:${least(cpu + CPU_GRACE_SECONDS, "Max cpu time")}`,
    `--as=${least(addressBytes, "Max address space")}`,
    `--fsize=${least(fileBytes, "Max file size")}`,
    `--nofile=${least(openFiles, "Max open files")}`,
    "--core=0",
    "--",
  ];
}

function hardLimits(): ReadonlyMap<string, number> {
  try {
    const lines = readFileSync("/proc/self/limits", "utf8").split("\n");
    return new Map(
      lines.flatMap((line) => {
        // Name, soft limit, hard limit, unit.
        const [name = "", , hard] = line.split("  ").filter((cell) => cell !== "");
        return Number.isFinite(Number(hard)) ? [[name.trim(), Number(hard)] as const] : [];
      }),
    );
  } catch {
    return new Map();
  }
}

function whyNot([command = "", ...args]: readonly string[]): string | undefined {
  const { error, status, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: PROBE_MS });
  if (error)
    return (error as NodeJS.ErrnoException).code === "ENOENT"
      ? `there is no ${command} (util-linux) here`
      : `${command} fails (${error.message})`;
  return status === 0 ? undefined : `${command} fails (${stderr.trim().split("\n")[0] ?? `status ${status}`})`;
}
