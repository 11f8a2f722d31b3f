/**
 * Many seeds over worker processes. A worker that does not answer is ended: a run that never ends is a finding as well.
 */
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { Finding } from "./invariants/findings.ts";
import { MUTANT_VARIABLE, PLANT } from "./mutants/mutant.ts";
import type { EngineName } from "./plan.ts";
import type { Answer, Errand } from "./worker.ts";

export interface Failure {
  readonly engine: EngineName;
  readonly seed: number;
  readonly finding: Finding;
  readonly features: readonly string[];
}

export interface Tally {
  readonly seeds: number;
  readonly steps: number;
  /** Requests that were acknowledged. */
  readonly requests: number;
  /** Virtual ms. */
  readonly livedMs: number;
  readonly tookMs: number;
  readonly failures: readonly Failure[];
}

export interface Many {
  readonly engine: EngineName;
  readonly from: number;
  readonly count: number;
  readonly workers?: number;
  readonly without?: readonly string[];
  /** A bug planted in the product (mutants/). */
  readonly mutant?: string;
  /** Goes on after a failure. */
  readonly keepsGoing?: boolean;
  /** No further seed is begun once it is aborted. */
  readonly signal?: AbortSignal;
  readonly onFailure?: (failure: Failure) => void;
}

/** A run takes some hundredths of a second: one of so long stands still. */
const LONGEST_RUN_MS = 60_000;
const WORKER = join(import.meta.dirname, "worker.ts");

export async function simulateMany(many: Many): Promise<Tally> {
  const { engine, from, count, workers = 2, without = [], mutant, keepsGoing = false, signal, onFailure } = many;
  const begunAt = performance.now();
  const failures: Failure[] = [];
  const sums = { seeds: 0, steps: 0, requests: 0, livedMs: 0 };
  let next = from;
  const isOver = (): boolean => next >= from + count || signal?.aborted === true || (failures.length > 0 && !keepsGoing);

  function fail(failure: Failure): void {
    failures.push(failure);
    onFailure?.(failure);
  }

  function note(answer: Answer): void {
    sums.seeds += 1;
    const { seed } = answer;
    if ("failed" in answer) return fail({ engine, seed, features: [], finding: { promise: "simulation", what: answer.failed, atMs: 0 } });
    const { steps, requests, lastedMs, finding } = answer.outcome;
    sums.steps += steps;
    sums.requests += requests;
    sums.livedMs += lastedMs;
    if (finding) fail({ engine, seed, finding, features: answer.features });
  }

  async function lane(): Promise<void> {
    let worker = start(mutant);
    while (!isOver()) {
      const errand: Errand = { engine, seed: next, without };
      next += 1;
      const answer = await ask(worker, errand);
      note(answer);
      if ("failed" in answer) {
        worker.kill("SIGKILL");
        worker = start(mutant);
      }
    }
    worker.disconnect();
  }

  await Promise.all(Array.from({ length: Math.min(workers, count) }, lane));
  return { ...sums, tookMs: performance.now() - begunAt, failures };
}

const start = (mutant: string | undefined): ChildProcess =>
  fork(WORKER, {
    execArgv: ["--disable-warning=ExperimentalWarning", ...(mutant === undefined ? [] : ["--import", PLANT])],
    env: mutant === undefined ? process.env : { ...process.env, [MUTANT_VARIABLE]: mutant },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });

function ask(worker: ChildProcess, errand: Errand): Promise<Answer> {
  return new Promise((resolve) => {
    const settle = (answer: Answer): void => {
      clearTimeout(timer);
      worker.removeAllListeners();
      resolve(answer);
    };
    const timer = setTimeout(() => settle({ seed: errand.seed, failed: `it did not end within ${LONGEST_RUN_MS} ms` }), LONGEST_RUN_MS);
    worker.once("message", settle);
    worker.once("exit", (code, signal) => settle({ seed: errand.seed, failed: `its worker ended: ${String(signal ?? code)}` }));
    worker.send(errand);
  });
}
