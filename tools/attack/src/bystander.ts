/** What somebody of another tenant feels while a server is attacked. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Target } from "./target.ts";

export interface Felt {
  /** Ms from question to answer; of what has none yet, how long it has waited. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
  /** Answered by an error. */
  readonly refused: number;
  readonly isOpen: boolean;
}

export interface Bystander extends AsyncDisposable {
  /** Since it was asked last. */
  report(): Promise<Felt>;
}

function quantile(sorted: readonly number[], part: number): number {
  return Math.round(10 * (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0)) / 10;
}

export async function startBystander({ url, httpUrl, tokens }: Target): Promise<Bystander> {
  const process = fork(join(import.meta.dirname, "bystander-process.ts"), [JSON.stringify({ url, httpUrl, tokens })]);
  const exited = once(process, "exit").then(() => {
    throw new Error("The bystander has ended before it was asked.");
  });
  exited.catch(() => {});
  const answer = async <T>(): Promise<T> => {
    const [value] = (await Promise.race([once(process, "message"), exited])) as [T];
    return value;
  };
  await answer();
  return {
    async report() {
      const answered = answer<{ readonly felt: number[]; readonly refused: number; readonly isOpen: boolean }>();
      process.send("report");
      const { felt, refused, isOpen } = await answered;
      const sorted = felt.toSorted((a, b) => a - b);
      return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: quantile(sorted, 1), count: sorted.length, refused, isOpen };
    },
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await exited.catch(() => {});
    },
  };
}
