/** `npm run torture [-- SUITE…]`: breaks real servers in every way there is a suite for, one after another. */
import { readCommand, runCommand } from "./command.ts";
import { tryPlanted } from "./planted.ts";
import { RESULTS } from "./record.ts";
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

if (process.argv.some((argument) => argument === "--url" || argument.startsWith("--url="))) {
  await import("@streamer/contract/torture-by-url");
  process.exit();
}

const wanted = readCommand(SUITES, HELP, { planted: { type: "boolean", default: false } });
if (wanted.more["planted"] === true) {
  const { names: only, seed, records, signal } = wanted;
  const print = (seen: object): void => console.log(JSON.stringify(seen));
  process.exit((await tryPlanted({ only, seed, records, signal, print })) ? 0 : 1);
}
process.exitCode = (await runCommand(SUITES, wanted, RESULTS)) ? 0 : 1;
