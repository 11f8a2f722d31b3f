/** The command line of a set of suites: which of them, how large, from which seed; runs them and prints what came of it. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { record } from "./record.ts";
import { runSuite } from "./run-suite.ts";
import { SIZES, type Size, type Suite } from "./suite.ts";

const OPTIONS = {
  size: { type: "string", default: "ci" },
  count: { type: "string" },
  seed: { type: "string" },
  record: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  list: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const satisfies ParseArgsOptionsConfig;

export interface Wanted {
  readonly names: readonly string[];
  readonly size: Size;
  readonly count?: number;
  readonly seed: number;
  readonly records: boolean;
  readonly json: boolean;
  /** Options of this command alone, as they were given. */
  readonly more: Readonly<Record<string, string | boolean | undefined>>;
  /** Aborts at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Ends the process with what was wrong with how it was called. */
export function refuse(text: string): never {
  console.error(text);
  process.exit(2);
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text !== undefined && !/^\d{1,15}$/.test(text)) refuse(`--${name} takes a whole number.`);
  return text === undefined ? undefined : Number(text);
}

const isSize = (text: string): text is Size => SIZES.some((size) => size === text);

/** Reads the arguments; answers `--help` and `--list`, and refuses what cannot be, by itself. */
export function readCommand(
  suites: readonly Pick<Suite, "name" | "fault" | "counts" | "unit">[],
  help: string,
  more: ParseArgsOptionsConfig = {},
): Wanted {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { ...more, ...OPTIONS } });
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  if (values.list) {
    console.table(suites.map(({ name, fault, counts, unit }) => ({ name, fault, ci: counts.ci, release: counts.release, unit })));
    process.exit(0);
  }
  const size = isSize(values.size) ? values.size : refuse(`--size is one of ${SIZES.join(", ")}.`);
  const unknown = positionals.filter((wanted) => !suites.some(({ name }) => name === wanted));
  if (unknown.length > 0) refuse(`There is no suite "${unknown.join('", "')}"; there are ${suites.map(({ name }) => name).join(", ")}.`);
  const count = whole("count", values.count);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  return {
    names: positionals,
    size,
    ...(count !== undefined && { count }),
    seed: whole("seed", values.seed) ?? Date.now() % 1_000_000_000,
    records: values.record,
    json: values.json,
    more: values,
    signal: stop.signal,
  };
}

/** Runs the suites that are wanted, one after another. True when every promise was kept. `results`: the folder for --record. */
export async function runCommand(suites: readonly Suite[], wanted: Wanted, results: string): Promise<boolean> {
  const { names, size, count, seed, records, json, signal } = wanted;
  let isKept = true;
  for (const suite of suites) {
    if (signal.aborted) break;
    if (names.length > 0 && !names.includes(suite.name)) continue;
    const tell = (text: string): void => console.error(`  ${suite.name}: ${text}`);
    if (!json) console.log(`\n${suite.name}: ${suite.fault} (--seed ${seed})`);
    const outcome = await runSuite(suite, { size, seed, signal, tell, ...(count !== undefined && { count }) });
    isKept &&= outcome.broken.length === 0;
    if (json) console.log(JSON.stringify(outcome));
    else {
      console.table(outcome.figures);
      for (const text of outcome.broken) console.log(`BROKEN ${text}`);
      console.log(
        `${outcome.count} ${outcome.unit} in ${outcome.seconds} s: ${outcome.broken.length === 0 ? "every promise was kept" : `${outcome.broken.length} broken`}`,
      );
    }
    if (records) record(results, outcome);
  }
  return isKept && !signal.aborted;
}
