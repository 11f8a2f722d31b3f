/**
 * Whether suites can see: each is run against a server with a bug in it that it is there for, and has to call a promise
 * broken. `npm run torture -- --planted`, with --record into results/planted.json.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { appendResult } from "../../../scripts/results.ts";
import type { Record as Recorded } from "./record.ts";
import { PLANTED_VARIABLE } from "./server/start.ts";

/** A bug by the name it has in the simulation, or one that only a real server shows: a change of a source file. */
interface Planted {
  readonly suite: string;
  readonly count: number;
  readonly bug: string | Bug;
}

interface Bug {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const TOO_FAR: Bug = {
  name: "replay-from-two-seqs-too-far",
  file: "packages/core/src/flow/deliver/cursor.ts",
  find: "this.#ports.read(this.key, this.#last, PAGE)",
  replace: "this.#ports.read(this.key, this.#last + 2, PAGE)",
};

const PLANTED: readonly Planted[] = [
  { suite: "cuts", count: 10, bug: "replay-from-a-seq-too-far" },
  { suite: "storm", count: 60, bug: TOO_FAR },
  {
    suite: "never-readers",
    count: 40,
    bug: {
      name: "hard-bound-not-kept",
      file: "packages/embedded/src/channel.ts",
      find: "if (line.wire.bufferedBytes + line.heldBytes <= hardBufferBytes) return SENT;",
      replace: "if (hardBufferBytes > 0) return SENT;",
    },
  },
  {
    suite: "overload",
    count: 6,
    bug: {
      name: "queue-has-no-limit",
      file: "packages/embedded/src/requests/submissions.ts",
      find: "if (backlog.waiting >= limits.queued)",
      replace: "if (backlog.waiting >= Infinity)",
    },
  },
  {
    suite: "rolling-restarts",
    count: 5,
    bug: {
      name: "refused-for-good-while-it-stops",
      file: "packages/core/src/flow/receive/dispatch.ts",
      find: 'throw new StreamerError("SERVICE_UNAVAILABLE", ',
      replace: 'throw new StreamerError("FORBIDDEN", ',
    },
  },
  { suite: "pauses", count: 6, bug: "lease-alone-decides" },
  { suite: "full-disk", count: 3, bug: "refused-words-lost" },
  { suite: "sigkill", count: 20, bug: TOO_FAR },
  { suite: "syscalls", count: 20, bug: "refused-words-lost" },
  {
    suite: "flipped-bits",
    count: 20,
    bug: {
      name: "checksums-not-compared",
      file: "packages/embedded/src/sqlite/checksums.ts",
      find: String.raw`crc32((values as readonly (string | number | null | undefined)[]).join("\u001F"))`,
      replace: "(values.length > 0 ? 1 : 0)",
    },
  },
  { suite: "hostile-handlers", count: 1, bug: "results-not-measured" },
  {
    suite: "soak",
    count: 1,
    bug: {
      name: "files-left-behind",
      file: "packages/embedded/src/blobs/body-file.ts",
      find: 'const file = await open(path, "wx", 0o600);',
      replace: 'const file = await open(path, "wx", 0o600); await (await open(path + ".begun", "w")).close();',
    },
  },
];

const MAIN = join(import.meta.dirname, "main.ts");
const RESULTS = join(import.meta.dirname, "../results/planted.json");
const run = promisify(execFile);

interface Seen {
  readonly suite: string;
  readonly bug: string;
  readonly count: number;
  readonly broken: number;
  /** The first of what was called broken. */
  readonly first: string;
}

async function tryOne({ suite, count, bug }: Planted, seed: number, signal: AbortSignal): Promise<Seen> {
  const planted = typeof bug === "string" ? bug : JSON.stringify(bug);
  const args = ["--disable-warning=ExperimentalWarning", MAIN, suite, "--count", String(count), "--seed", String(seed), "--json"];
  const { stdout } = await run(process.execPath, args, {
    env: { ...process.env, [PLANTED_VARIABLE]: planted },
    maxBuffer: 64 * 1_048_576,
    signal,
  }).catch((error: unknown) => error as { readonly stdout: string });
  const { broken } = JSON.parse(stdout) as Recorded;
  return { suite, bug: typeof bug === "string" ? bug : bug.name, count, broken: broken.length, first: (broken[0] ?? "").slice(0, 200) };
}

/** Resolves to whether each suite saw its bug. `only`: these suites; all when empty. */
export async function tryPlanted(terms: {
  readonly only: readonly string[];
  readonly seed: number;
  readonly records: boolean;
  readonly signal: AbortSignal;
  readonly print: (seen: Seen) => void;
}): Promise<boolean> {
  const { only, seed, records, signal, print } = terms;
  const results: Seen[] = [];
  for (const planted of PLANTED) {
    if (signal.aborted) break;
    if (only.length > 0 && !only.includes(planted.suite)) continue;
    const seen = await tryOne(planted, seed, signal);
    print(seen);
    results.push(seen);
  }
  if (records) appendResult(RESULTS, { seed, results });
  return results.every(({ broken }) => broken > 0);
}
