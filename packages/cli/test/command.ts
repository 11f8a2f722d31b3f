/** The real command as a child process: what it printed so far, how it ended, and signals to send. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

export interface Running {
  stdout: string;
  stderr: string;
  /** Resolves with the exit code, or rejects after `patienceMs`. */
  readonly ended: Promise<number>;
  kill(signal: NodeJS.Signals): void;
  /** Waits until what was printed holds `text`. */
  printed(text: string): Promise<void>;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Default true: whether anybody reads what it prints. */
  readonly readsStdout?: boolean;
  /** Default 20 s. */
  readonly patienceMs?: number;
}

export function streamer(
  args: readonly string[],
  { cwd, env = {}, stdin = "", readsStdout = true, patienceMs = 20_000 }: CommandOptions,
): Running {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], { cwd, env: { PATH, HOME, ...env } });
  const changes = new EventTarget();
  const running: Running = {
    stdout: "",
    stderr: "",
    kill: (signal) => void child.kill(signal),
    ended: once(child, "close", { signal: AbortSignal.timeout(patienceMs) }).then(
      ([code]) => code as number,
      (error: unknown) => {
        child.kill("SIGKILL");
        throw new Error(`streamer ${args.join(" ")} did not end:\n${running.stdout}${running.stderr}`, { cause: error });
      },
    ),
    async printed(text) {
      const limit = AbortSignal.timeout(15_000);
      while (!(running.stdout + running.stderr).includes(text)) {
        await once(changes as never, "change", { signal: limit }).catch((cause: unknown) => {
          throw new Error(`"${text}" was never printed, but:\n${running.stdout}${running.stderr}`, { cause });
        });
      }
    },
  };
  child.stdin.end(stdin);
  if (!readsStdout) child.stdout.destroy();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      running[name] += text;
      changes.dispatchEvent(new Event("change"));
    });
  }
  return running;
}

/** Each line as JSON: throws when one is not. */
export const jsonLines = (text: string): readonly Record<string, unknown>[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
