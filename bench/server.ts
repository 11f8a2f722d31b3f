/** Starts the server under test in its own process and folder, and asks it for figures. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSampleShop } from "@streamer/handlers";

export interface ServerSettings {
  readonly dataFolder: string;
  /** Worker processes for isolated handlers. */
  readonly workers: number;
  /** Order lines of the sample shop that reports are made of; absent: no shop. */
  readonly reportRows?: number;
}

export interface ServerFigures {
  readonly rssBytes: number;
  /** JavaScript heap and what it holds outside of it, after a collection. */
  readonly heapBytes: number;
  /** CPU time of the process since the last reset. */
  readonly cpuMs: number;
  /** How late timers ran since the last reset. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

export type Question = "reset" | "figures" | "stop";

export interface BenchServer extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** The folder that its handlers read. */
  readonly shop: string;
  ask(question: "reset" | "figures"): Promise<ServerFigures>;
}

const DEFAULT_WORKERS = 2;

/** Streamer. */
export const startBenchServer = (chosen: Partial<Omit<ServerSettings, "dataFolder">> = {}): Promise<BenchServer> =>
  startServerOf("server-process.ts", chosen);

/** The least that a server of the same protocol can do. */
export const startFloorServer = (): Promise<BenchServer> => startServerOf("floor/process.ts", {});

/** With BENCH_CPU_PROF set to a folder, the server leaves a CPU profile there. */
async function startServerOf(module: string, chosen: Partial<Omit<ServerSettings, "dataFolder">>): Promise<BenchServer> {
  const dataFolder = await mkdtemp(join(tmpdir(), "streamer-bench-"));
  const settings: ServerSettings = { workers: DEFAULT_WORKERS, ...chosen, dataFolder };
  const shop = join(dataFolder, "shop");
  if (chosen.reportRows !== undefined) await writeSampleShop(shop, { rows: chosen.reportRows });
  const profiles = process.env.BENCH_CPU_PROF;
  const execArgv = [
    "--expose-gc",
    "--disable-warning=ExperimentalWarning",
    ...(profiles ? ["--cpu-prof", `--cpu-prof-dir=${profiles}`] : []),
  ];
  const child = fork(join(import.meta.dirname, module), [JSON.stringify(settings)], {
    execArgv,
    env: { ...process.env, BENCH_SHOP: shop },
  });
  const { url, token } = await answerOf<{ url: string; token: string }>(child);
  return {
    url,
    token,
    shop,
    ask(question) {
      child.send(question satisfies Question);
      return answerOf<ServerFigures>(child);
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.send("stop" satisfies Question);
      await ended;
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const calledOff = new AbortController();
  const { signal } = calledOff;
  try {
    return await Promise.race([
      once(child, "message", { signal }).then(([message]) => message as T),
      once(child, "exit", { signal }).then(([code]) => Promise.reject(new Error(`The server under test ended with ${String(code)}.`))),
    ]);
  } finally {
    calledOff.abort();
  }
}
