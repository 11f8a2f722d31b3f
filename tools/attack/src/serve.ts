/** Starts `streamer serve` as its users do, in a process of its own, with an empty data folder and its default limits. */
import { spawn } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { signToken } from "@streamer/auth";
import { until } from "@streamer/torture/deadline";
import { gaugesOf, type Gauges } from "@streamer/torture/gauges";
import type { Role, Target } from "./target.ts";

/** What only who started a server can see of it. */
export interface Inside extends Gauges {
  readonly dataFolder: string;
  readonly isAlive: boolean;
  /** The end of its log. */
  readonly log: string;
}

export interface ServedTarget extends Target, AsyncDisposable {
  readonly inside: Inside;
}

const COMMAND_LINE = join(import.meta.dirname, "../../../packages/cli/src/main.ts");
const MEASURES = join(import.meta.dirname, "answer-measures.ts");
const LOG_LENGTH = 65_536;
const TENANTS: Readonly<Record<Role, string>> = { attacker: "acme", colleague: "acme", stranger: "other" };

export interface ServeTerms {
  readonly dataFolder: string;
  readonly args?: readonly string[];
  /** Aborted, it is killed. */
  readonly signal: AbortSignal;
}

export async function serve({ dataFolder, args = [], signal }: ServeTerms): Promise<ServedTarget> {
  const node = ["--disable-warning=ExperimentalWarning", "--import", MEASURES, COMMAND_LINE];
  const child = spawn(process.execPath, [...node, "serve", "--port", "0", "--data-folder", dataFolder, "--json", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: join(dataFolder, ".."),
  });
  let log = "";
  child.stderr.on("data", (text: Buffer) => {
    log = (log + text.toString()).slice(-LOG_LENGTH);
  });
  const exited = once(child, "exit");
  void until(signal).then(() => child.kill("SIGKILL"));
  const [line] = (await Promise.race([once(child.stdout, "data"), exited.then(() => [undefined])])) as [Buffer | undefined];
  if (!line) throw new Error(`The server did not start: ${log}`);
  const where = JSON.parse(line.toString()) as { readonly url: string; readonly http_url: string };
  const key = createPrivateKey(await readFile(join(dataFolder, "development-key.pem")));
  const tokenOf = (role: Role): string => signToken(key, { userId: role, tenantId: TENANTS[role] }, Date.now());
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    url: where.url,
    httpUrl: where.http_url,
    tokens: { attacker: tokenOf("attacker"), colleague: tokenOf("colleague"), stranger: tokenOf("stranger") },
    inside: {
      ...gaugesOf(child, exited, () => log),
      dataFolder,
      get isAlive() {
        return isAlive();
      },
      get log() {
        return log;
      },
    },
    async [Symbol.asyncDispose]() {
      if (isAlive()) child.kill("SIGKILL");
      await exited;
    },
  };
}
