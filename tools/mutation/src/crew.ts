/** The worker processes: one order at a time each; one that does not answer, or was left marked, is replaced. */
import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Order, Report } from "./worker.ts";

/** A process that says nothing for that much of its own time is in a loop that never ends. */
const SILENT_MS = 20_000;
const LOOK_EVERY_MS = 1_000;
const TICKS_A_SECOND = 100;

/** Time that the machine gave to a process; where it cannot be asked for, time that passed. */
function spentMs(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_A_SECOND;
  } catch {
    return performance.now();
  }
}

export interface WorkerTerms {
  /** Where tests put what they store. */
  readonly folder: string;
  readonly sourcesFile: string;
  readonly testFiles: readonly string[];
}

export type Answer = Exclude<Report, { readonly kind: "ready" | "running" }>;

export class Worker {
  readonly #terms: WorkerTerms;
  readonly #mutant: string | undefined;
  #child: ChildProcess | undefined;

  /** `mutant` is switched on while the process loads core. */
  constructor(terms: WorkerTerms, mutant?: string) {
    this.#terms = terms;
    this.#mutant = mutant;
  }

  async order(order: Order): Promise<Answer> {
    const isNew = this.#child === undefined;
    const child = (this.#child ??= this.#start());
    if (!isNew) child.send(order);
    const answer = await new Promise<Answer>((resolve) => {
      let running = "loading core";
      const done = (end: Answer): void => {
        clearInterval(timer);
        child.off("message", hear).off("exit", exited);
        resolve(end);
      };
      let heardAt = spentMs(child.pid);
      const timer = setInterval(() => {
        if (spentMs(child.pid) - heardAt > SILENT_MS) done({ kind: "timed out", by: running });
      }, LOOK_EVERY_MS);
      const hear = (report: Report): void => {
        heardAt = spentMs(child.pid);
        if (report.kind === "running") running = report.test;
        else if (report.kind === "ready") child.send(order);
        else done(report);
      };
      const exited = (code: number | null): void => done({ kind: "killed", by: running, message: `the process ended with code ${code}` });
      child.on("message", hear).once("exit", exited);
    });
    if (answer.kind === "timed out" || answer.kind === "spoilt" || child.exitCode !== null) this.stop();
    return answer;
  }

  #start(): ChildProcess {
    const { sourcesFile, testFiles, folder } = this.#terms;
    return fork(fileURLToPath(new URL("worker.ts", import.meta.url)), [sourcesFile, JSON.stringify(testFiles)], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      env: { ...process.env, TMPDIR: folder, ...(this.#mutant !== undefined && { MUTANT: this.#mutant }) },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
  }

  stop(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
