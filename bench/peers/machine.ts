/** CPU time and memory of processes and of the machine, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** Linux counts CPU time in hundredths of a second, wherever Node runs. */
const TICK_MS = 10;

interface Stat {
  readonly parent: number;
  /** With that of children that have ended. */
  readonly ms: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    return { parent: Number(fields[1]), ms: ticks * TICK_MS };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

/** CPU time of these processes and all that they started, in ms. */
export function cpuMs(pids: readonly number[]): number {
  const all = new Map<number, Stat>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat) all.set(Number(name), stat);
  }
  const isOurs = (pid: number): boolean => pid > 1 && (pids.includes(pid) || isOurs(all.get(pid)?.parent ?? 0));
  return Array.from(all, ([pid, { ms }]) => (isOurs(pid) ? ms : 0)).reduce((sum, ms) => sum + ms, 0);
}

/** Resident memory. */
export function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
}

/** CPU time of the whole machine since it started, with what its host took from it, in ms. */
export function machineMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, stolen = 0] = readFileSync("/proc/stat", "latin1")
    .split("\n", 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softIrq + stolen) * TICK_MS;
}
