/** Starts the server under torture in a process of its own, and stops it as an operator would. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import type { PartialOptions } from "@streamer/core";
import { until } from "../deadline.ts";
import { gaugesOf, type Gauges } from "./gauges.ts";

export interface ServerProcess extends Gauges, AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** The end of what it wrote to its log. */
  readonly log: string;
  /** Whether it has ended, by itself or not. */
  readonly hasExited: boolean;
  /** Resolves when it has ended. */
  readonly exited: Promise<unknown>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and until it has ended. Rejects when it did not end with exit code 0. */
  stop(): Promise<void>;
}

export interface StartTerms {
  readonly dataFolder: string;
  /** Default any. */
  readonly port?: number;
  readonly options?: PartialOptions;
  /** Default "error". "silent" where errors are what is being made. */
  readonly logLevel?: "warn" | "error" | "silent";
  /** Its log is kept, and shown to nobody. */
  readonly keepsLog?: boolean;
  /** Aborted before it has started, it is killed, and starting it rejects. */
  readonly signal?: AbortSignal;
  /** A command it is run under, which must become the server itself. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const LOG_LENGTH = 16_384;
const MAIN = join(import.meta.dirname, "main.ts");
/** Loaded first, it puts a planted bug into the server. */
const PLANT = join(import.meta.dirname, "../../../simulation/src/mutants/plant.ts");
/** Names the bug that servers under torture are to have, to see which suite sees it (planted.ts). */
export const PLANTED_VARIABLE = "STREAMER_PLANTED";

export async function startProcess({
  dataFolder,
  port = 0,
  options = {},
  logLevel = "error",
  keepsLog = false,
  under = [],
  env = {},
  signal: givesUp,
}: StartTerms): Promise<ServerProcess> {
  const bug = process.env[PLANTED_VARIABLE];
  const node = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    ...(bug === undefined ? [] : ["--import", PLANT]),
    MAIN,
    dataFolder,
    String(port),
    JSON.stringify(options),
    logLevel,
  ];
  const [command, ...args] = [...under, ...node] as [string, ...string[]];
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env, ...(bug !== undefined && { STREAMER_MUTANT: bug }) },
  });
  let log = "";
  child.stderr.on("data", (text: Buffer) => {
    log = (log + text.toString()).slice(-LOG_LENGTH);
    if (!keepsLog) process.stderr.write(text);
  });
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  let hasStarted = false;
  if (givesUp) void until(givesUp).then(() => hasStarted || child.kill("SIGKILL"));
  const [line] = (await Promise.race([once(child.stdout, "data"), exited.then(() => [undefined])])) as [Buffer | undefined];
  hasStarted = true;
  if (!line) throw new Error(`The server under torture did not start: ${log}`);
  const where = JSON.parse(line.toString()) as { readonly url: string; readonly token: string };
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<readonly [number | null, string | null]> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  return {
    ...where,
    ...gaugesOf(child, exited, () => log),
    exited,
    get log() {
      return log;
    },
    get hasExited() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    signal: (signal) => void child.kill(signal),
    async stop() {
      const [code, signal] = await end("SIGTERM");
      if (code !== 0) throw new Error(`The server under torture ended with ${code ?? signal} when it was told to stop.`);
    },
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
    },
  };
}

/** A port below those that outgoing connections are given: the server has to find it free at each start. */
export async function fixedPort(random: () => number): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(random() * 10_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((resolve) => probe.close(resolve));
    if (isFree) return port;
  }
}
