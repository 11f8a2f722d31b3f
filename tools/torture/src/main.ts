/** `npm run torture [-- SUITE…]`: breaks real servers in every way there is a suite for, one after another. */
import { parseArgs } from "node:util";
import { tryPlanted } from "./planted.ts";
import { record } from "./record.ts";
import { runSuite } from "./run-suite.ts";
import { SIZES, type Size } from "./suite.ts";
import { SUITES } from "./suites/index.ts";

const HELP = `Usage: npm run torture -- [SUITE…] [options]

Breaks real servers again and again, and checks what each client was told. Without SUITE: all of them.

  --size ci|release   how often the fault happens (default ci)
  --count N           how often, whatever the size says
  --seed N            repeats a run's decisions (default: a new one, which is printed)
  --record            appends the figures to tools/torture/results
  --json              prints one JSON object per suite instead of tables
  --list              prints the suites
  --planted           puts into the server of each suite a bug that it is there for, and tells which suites saw theirs
  --url URL           runs the client's half against a server at an address: see --url URL --help
  --help

Exit code 0: every promise was kept. 1: one was broken, or a suite could not be run. 2: bad arguments.
`;

function refuse(text: string): never {
  console.error(text);
  process.exit(2);
}

if (process.argv.some((argument) => argument === "--url" || argument.startsWith("--url="))) {
  await import("@streamer/contract/torture-by-url");
  process.exit();
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: "string", default: "ci" },
    count: { type: "string" },
    seed: { type: "string" },
    record: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    planted: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const whole = (name: string, text: string | undefined): number | undefined =>
  text === undefined || /^\d{1,15}$/.test(text)
    ? text === undefined
      ? undefined
      : Number(text)
    : refuse(`--${name} takes a whole number.`);

if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (values.list) {
  console.table(SUITES.map(({ name, fault, counts, unit }) => ({ name, fault, ci: counts.ci, release: counts.release, unit })));
  process.exit(0);
}
const isSize = (text: string): text is Size => SIZES.some((size) => size === text);
const size = isSize(values.size) ? values.size : refuse(`--size is one of ${SIZES.join(", ")}.`);
const unknown = positionals.filter((wanted) => !SUITES.some(({ name }) => name === wanted));
if (unknown.length > 0) refuse(`There is no suite "${unknown.join('", "')}"; there are ${SUITES.map(({ name }) => name).join(", ")}.`);
const count = whole("count", values.count);
const seed = whole("seed", values.seed) ?? Date.now() % 1_000_000_000;

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
if (values.planted) {
  const { record: records } = values;
  const print = (seen: object): void => console.log(JSON.stringify(seen));
  process.exit((await tryPlanted({ only: positionals, seed, records, signal: stop.signal, print })) ? 0 : 1);
}
let isBroken = false;
for (const suite of SUITES) {
  if (stop.signal.aborted) break;
  if (positionals.length > 0 && !positionals.includes(suite.name)) continue;
  const tell = (text: string): void => console.error(`  ${suite.name}: ${text}`);
  if (!values.json) console.log(`\n${suite.name}: ${suite.fault} (--seed ${seed})`);
  const outcome = await runSuite(suite, { size, seed, signal: stop.signal, tell, ...(count !== undefined && { count }) });
  isBroken ||= outcome.broken.length > 0;
  if (values.json) console.log(JSON.stringify(outcome));
  else {
    console.table(outcome.figures);
    for (const text of outcome.broken) console.log(`BROKEN ${text}`);
    console.log(
      `${outcome.count} ${outcome.unit} in ${outcome.seconds} s: ${outcome.broken.length === 0 ? "every promise was kept" : `${outcome.broken.length} broken`}`,
    );
  }
  if (values.record) record(outcome);
}
process.exitCode = isBroken || stop.signal.aborted ? 1 : 0;
