/** Somebody with an empty folder: what they write into it, install and run, as on any machine with npm. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Running extends AsyncDisposable {
  /** Resolves with the first match in what it prints; rejects when it ends before. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  readonly text: string;
  signal(signal: NodeJS.Signals): void;
  readonly ended: Promise<number | null>;
}

export interface Stranger extends Disposable {
  readonly folder: string;
  write(files: Readonly<Record<string, string>>): void;
  /** Installs; answers how long that took, in ms. */
  install(...packages: readonly string[]): number;
  run(command: string, args: readonly string[], more?: RunTerms): Ran;
  /** Throws what it printed unless it ended with 0. */
  runWell(command: string, args: readonly string[], more?: RunTerms): string;
  start(command: string, args: readonly string[], more?: RunTerms): Running;
  /** Of node_modules, or one folder in it. */
  installedBytes(part?: string): number;
}

interface RunTerms {
  /** Below their folder. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const MOST_MS = 240_000;

export interface StrangerTerms {
  readonly npmrc: string;
  /** The Node that they have: path of its executable. Default: the one this runs on. */
  readonly node?: string;
}

export function createStranger({ npmrc, node = process.execPath }: StrangerTerms): Stranger {
  const folder = mkdtempSync(join(tmpdir(), "streamer-stranger-"));
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  };
  write({ ".npmrc": npmrc, "package.json": JSON.stringify({ name: "strangers-own", private: true, type: "module" }) });
  const cache = cacheIn(folder);
  // Nothing of whoever runs this: neither npm's settings for this repository nor what vitest sets.
  const env = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
    PATH: `${dirname(node)}:${process.env["PATH"]}`,
    HOME: process.env["HOME"],
    TMPDIR: tmpdir(),
    npm_config_cache: cache,
    ...proxies(),
    ...more,
  });
  const run = (command: string, args: readonly string[], { cwd = "", env: more, timeoutMs = MOST_MS }: RunTerms = {}): Ran => {
    const { status, stdout, stderr, error } = spawnSync(command, args, {
      cwd: join(folder, cwd),
      env: env(more),
      encoding: "utf8",
      timeout: timeoutMs,
      maxBuffer: 64 * 1_024 * 1_024,
    });
    return { code: status, out: stdout, err: error ? `${stderr}\n${error.message}` : stderr };
  };
  const runWell = (command: string, args: readonly string[], more?: RunTerms): string => {
    const { code, out, err } = run(command, args, more);
    if (code !== 0) throw new Error(`${[command, ...args].join(" ")} ended with ${code}:\n${out}\n${err}`);
    return out;
  };
  return {
    folder,
    write,
    run,
    runWell,
    install: (...packages) => {
      const from = performance.now();
      runWell("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packages]);
      return performance.now() - from;
    },
    start: (command, args, { cwd = "", env: more } = {}) => startIn(join(folder, cwd), { command, args, env: env(more) }),
    installedBytes: (part = "") => bytesOf(join(folder, "node_modules", part)),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** What npm fetched before, but nothing that npx installed: it would keep a version of ours that was built anew. */
function cacheIn(folder: string): string {
  const fetched = join(process.env["npm_config_cache"] ?? join(homedir(), ".npm"), "_cacache");
  const cache = join(folder, ".npm");
  mkdirSync(fetched, { recursive: true });
  mkdirSync(cache);
  symlinkSync(fetched, join(cache, "_cacache"));
  return cache;
}

/** How the machine reaches the world is the machine's. */
const proxies = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(https?_proxy|no_proxy|npm_config_registry|node_extra_ca_certs)$/i.test(name)),
  );

function startIn(
  folder: string,
  { command, args, env }: { readonly command: string; readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv },
): Running {
  const child = spawn(command, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  const heard = new EventTarget();
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes: Buffer) => {
      text += bytes.toString();
      heard.dispatchEvent(new Event("data"));
    });
  const ended = once(child, "exit").then(([code]) => code as number | null);
  return {
    get text() {
      return text;
    },
    ended,
    signal: (signal) => void child.kill(signal),
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(text);
          if (match) resolve(match);
        };
        heard.addEventListener("data", look);
        void ended.then((code) => reject(new Error(`${command} ended with ${code} before it printed ${pattern}:\n${text}`)));
        look();
      }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function bytesOf(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
  return bytes;
}
