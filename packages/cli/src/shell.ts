/**
 * What a command runs in: its streams, its environment, its interrupts. Commands touch the process through this alone,
 * so that a test can run one without starting a process.
 */
import type { Readable, Writable } from "node:stream";
import { onInterrupt, onUncaught } from "./interrupts.ts";
import { onStarterGone } from "./starter.ts";

/** As a terminal has them. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Written to by the terminal alone (`terminal.ts`). */
export type Output = Writable & Screen;

export interface Shell {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls `handle` at each Ctrl-C or SIGTERM with how many came so far. Returns how to stop. */
  onInterrupt(handle: (count: number, signal: NodeJS.Signals) => void): () => void;
  /** Calls `handle` once what started this process has gone, where it was npm or npx. Returns how to stop. */
  onStarterGone(handle: () => void): () => void;
  /** Calls `handle` when an exception was thrown that nobody caught. Returns how to stop. */
  onUncaught(handle: () => void): () => void;
}

export const processShell: Shell = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  onInterrupt,
  onStarterGone,
  onUncaught,
};
