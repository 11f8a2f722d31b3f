/** What can be seen of a server's process from outside: its memory, its descriptors, and what it says it holds (measures.ts). */
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { Measures } from "./measures.ts";

export interface Gauges {
  /** Resident memory in MiB: Linux only, else 0. */
  memoryMiB(): Promise<number>;
  /** What it holds in memory, after it has collected its garbage. */
  measure(): Promise<Measures>;
  /** Open descriptors: Linux only, else 0. */
  descriptors(): Promise<number>;
}

/** `exited` resolves when the process has ended, `log` is the end of what it wrote. */
export function gaugesOf(child: ChildProcessByStdio<null, Readable, Readable>, exited: Promise<unknown>, log: () => string): Gauges {
  return {
    async memoryMiB() {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
    },
    async measure() {
      const answer = once(child.stdout, "data") as Promise<[Buffer]>;
      child.kill("SIGUSR2");
      const [text] = await Promise.race([answer, exited.then(() => [undefined])]);
      if (!text) throw new Error(`The server ended before it was measured: ${log()}`);
      return JSON.parse(text.toString()) as Measures;
    },
    descriptors: () =>
      readdir(`/proc/${child.pid}/fd`).then(
        ({ length }) => length,
        () => 0,
      ),
  };
}
