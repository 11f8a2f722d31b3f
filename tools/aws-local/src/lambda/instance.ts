/**
 * One instance of a function: a process that answers one event at a time. Between events it is frozen, as Lambda freezes
 * its sandboxes: what a handler left running does not go on, and timers fire late, at the next event.
 *
 *   starting ─ready─> frozen ─event─> running ─answer─> frozen
 *       └─────────── dies, or is killed at its timeout ──┴──> gone
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Outcome {
  readonly isError: boolean;
  /** JSON text. */
  readonly payload: string;
  readonly durationMs: number;
  /** Of the first event of an instance. */
  readonly initMs: number | undefined;
  /** Of an error: whose it was. */
  readonly cause?: "handler" | "timeout" | "exit" | "init";
}
export interface InstanceTerms {
  readonly name: string;
  readonly codeFolder: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly initTimeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Folder for the instance's own temporary folder. */
  readonly scratchFolder: string;
  onLine(line: string): void;
}
interface Invocation {
  readonly id: string;
  /** JSON text. */
  readonly event: string;
  readonly arn: string;
}
export interface Instance {
  readonly pid: number;
  readonly isAlive: boolean;
  invoke(invocation: Invocation): Promise<Outcome>;
  /** Resolves once the process has ended. */
  kill(): Promise<void>;
  /** Stands still for so long, or until it is asked the next. */
  freeze(ms: number): void;
}

interface Message {
  readonly type: "ready" | "failed" | "answer";
  readonly id?: string;
  readonly ok?: boolean;
  readonly payload?: string;
}
type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

const BOOTSTRAP = fileURLToPath(new URL("bootstrap.mjs", import.meta.url));

export function startInstance(terms: InstanceTerms): Instance {
  const { name, codeFolder, memoryMb, timeoutMs, initTimeoutMs, environment, scratchFolder, onLine } = terms;
  mkdirSync(scratchFolder, { recursive: true });
  const temporaryFolder = mkdtempSync(join(scratchFolder, `${name}-`));
  const startedAt = performance.now();
  const child: ChildProcess = spawn(process.execPath, [`--max-old-space-size=${memoryMb}`, BOOTSTRAP], {
    cwd: codeFolder,
    env: { ...environment, TMPDIR: temporaryFolder },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  for (const stream of [child.stdout!, child.stderr!]) createInterface({ input: stream }).on("line", onLine);

  let ending: Ending | undefined;
  let initMs: number | undefined;
  let hear: ((message: Message) => void) | undefined;
  let mourn: ((ending: Ending) => void) | undefined;
  const ready = Promise.withResolvers<Message | undefined>();
  const ended = new Promise<Ending>((resolve) => {
    child.once("error", (error) => onLine(`could not be started: ${error.message}`));
    child.once("close", (code, signal) => {
      ending = { code, signal };
      rmSync(temporaryFolder, { recursive: true, force: true });
      ready.resolve(undefined);
      resolve(ending);
      mourn?.(ending);
    });
  });
  child.on("message", (message: Message) => {
    if (message.type === "answer") hear?.(message);
    else {
      initMs = performance.now() - startedAt;
      ready.resolve(message);
    }
  });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };

  const run = ({ id, event, arn }: Invocation): Promise<Outcome> => {
    const coldMs = initMs;
    initMs = undefined;
    const begun = performance.now();
    return new Promise((resolve) => {
      const finish = (outcome: Pick<Outcome, "isError" | "payload" | "cause">): void => {
        clearTimeout(timer);
        hear = mourn = undefined;
        resolve({ ...outcome, durationMs: performance.now() - begun, initMs: coldMs });
      };
      const timer = setTimeout(() => {
        const seconds = (timeoutMs / 1_000).toFixed(2);
        mourn = () => finish(fault("Sandbox.Timedout", `RequestId: ${id} Error: Task timed out after ${seconds} seconds`, "timeout"));
        void kill();
      }, timeoutMs);
      hear = (message) => {
        if (message.id !== id) return;
        child.kill("SIGSTOP");
        finish({ isError: message.ok !== true, payload: message.payload ?? "null", ...(message.ok !== true && { cause: "handler" }) });
      };
      mourn = ({ code, signal }) => {
        const how = signal === null ? `exit status ${code}` : `signal: ${signal === "SIGKILL" ? "killed" : signal}`;
        finish(fault("Runtime.ExitError", `RequestId: ${id} Error: Runtime exited with error: ${how}`, "exit"));
      };
      if (ending) return mourn(ending);
      child.kill("SIGCONT");
      child.send({ id, event, arn, deadline: Date.now() + timeoutMs }, (error) => {
        // A process that dies says so by its end.
        if (error) onLine(`an event could not be handed over: ${error.message}`);
      });
    });
  };

  return {
    get pid() {
      return child.pid!;
    },
    get isAlive() {
      return ending === undefined && child.pid !== undefined;
    },
    invoke: async (invocation) => {
      const timer = setTimeout(() => void kill(), initTimeoutMs);
      const message = await ready.promise;
      clearTimeout(timer);
      if (message?.type === "ready") return run(invocation);
      await kill();
      const lost = fault("Runtime.ExitError", `RequestId: ${invocation.id} Error: the runtime ended before it was ready`, "init");
      const payload = message?.payload ?? lost.payload;
      return { isError: true, payload, durationMs: 0, initMs: performance.now() - startedAt, cause: "init" };
    },
    kill,
    freeze: (ms) => {
      if (hear === undefined) return;
      child.kill("SIGSTOP");
      const heardBy = hear;
      // Only if it is still busy with the same: else it is frozen, or runs already.
      setTimeout(() => hear === heardBy && child.kill("SIGCONT"), ms).unref();
    },
  };
}

const fault = (
  errorType: string,
  errorMessage: string,
  cause: "timeout" | "exit" | "init",
): Pick<Outcome, "isError" | "payload"> & { cause: typeof cause } => ({
  isError: true,
  payload: JSON.stringify({ errorType, errorMessage }),
  cause,
});
