/**
 * npm run simulate: core over its engines in one virtual time, a seed after the other.
 *
 *   --seeds N          how many (default 1,000)
 *   --from SEED        the first of them (default 1)
 *   --engine NAME      memory, embedded, aws or all (default: all there are)
 *   --minutes M        no longer than that
 *   --seed S           this one alone; with --story it tells what happens, and with --smallest what the failure needs
 *   --without LIST     features switched off, with commas
 *   --workers N        processes (default 2)
 *   --keep-going       past failures
 *   --mutants          plants bugs in the product, one at a time, and tells which seed sees each; at most --seeds for each
 *   --record           keeps what was seen in tools/simulation/results
 *   --mutant NAME      this one alone; with --seed it is planted for that run
 *   --json             one JSON line instead of text
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { appendResult } from "../../../scripts/results.ts";
import { DEPLOYMENTS } from "./engines.ts";
import { simulateMany, type Failure, type Tally } from "./many.ts";
import { MUTANT_VARIABLE, PLANT } from "./mutants/mutant.ts";
import { reportMutants } from "./mutants/report.ts";
import { drawPlan, ENGINES, FEATURES, type EngineName } from "./plan.ts";
import { simulate } from "./simulate.ts";
import { smallestPlan } from "./smallest.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    engine: { type: "string", default: "all" },
    minutes: { type: "string", default: "600" },
    seed: { type: "string" },
    without: { type: "string", default: "" },
    workers: { type: "string", default: "2" },
    story: { type: "boolean", default: false },
    smallest: { type: "boolean", default: false },
    "keep-going": { type: "boolean", default: false },
    mutants: { type: "boolean", default: false },
    mutant: { type: "string", default: "" },
    record: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const HELP = `npm run simulate -- [options]

  --seeds N          how many (default 1000)      --from SEED   the first of them (default 1)
  --engine NAME      ${ENGINES.join(", ")} or all (default)
  --minutes M        no longer than that          --workers N   processes (default 2)
  --seed S           this one alone; --story tells what happens, --smallest what the failure needs
  --without LIST     features switched off: ${FEATURES.join(", ")}
  --keep-going       past failures                --json        one JSON line instead of text
  --mutants          plants bugs in the product, one at a time, and tells which seed sees each; at most --seeds for each
  --mutant NAME      this one alone; with --seed it is planted for that run
  --record           keeps what was seen in tools/simulation/results
`;
const RUNS = join(import.meta.dirname, "../results/runs.json");
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const known = ENGINES.filter((name) => DEPLOYMENTS[name]);
const engines = values.engine === "all" ? known : known.filter((name) => name === values.engine);
const listOf = (names: string): readonly string[] => names.split(",").filter((name) => name !== "");
const without = listOf(values.without);
const unknown = without.filter((name) => !(FEATURES as readonly string[]).includes(name));

function show({ engine, seed, finding, features }: Failure): void {
  print(`
Seed ${seed} on ${engine} breaks ${finding.promise}, ${Math.round(finding.atMs)} ms into its world: ${finding.what}
  features: ${features.join(", ")}
  again:    npm run simulate -- --engine ${engine} --seed ${seed}${without.length > 0 ? ` --without ${without.join(",")}` : ""} --story`);
}

/** The product is loaded already, as it is: the run with a bug in it is another process's. */
function again(mutant: string): boolean {
  const { status } = spawnSync(process.execPath, [...process.execArgv, "--import", PLANT, ...process.argv.slice(1)], {
    env: { ...process.env, [MUTANT_VARIABLE]: mutant },
    stdio: "inherit",
  });
  return status === 0;
}

async function one(engine: EngineName, seed: number): Promise<boolean> {
  const plan = drawPlan(seed, engine, new Set(without));
  const { finding, ...outcome } = await simulate(plan, values.story ? print : undefined);
  const features = Array.from(plan.features);
  if (values.json) print(JSON.stringify({ engine, seed, features, finding, ...outcome, plan: undefined }));
  else
    print(
      `Seed ${seed} on ${engine}: ${outcome.steps} steps, ${outcome.requests} requests, story ${outcome.storyHash}; with ${features.join(", ")}`,
    );
  if (!finding) return true;
  if (!values.json) show({ engine, seed, finding, features });
  if (values.smallest) print(`  it needs: ${(await smallestPlan(seed, engine, finding.promise, without)).join(", ")}`);
  return false;
}

async function many(engine: EngineName, signal: AbortSignal): Promise<boolean> {
  const tally: Tally = await simulateMany({
    engine,
    from: Number(values.from),
    count: Number(values.seeds),
    workers: Number(values.workers),
    without,
    ...(values.mutant !== "" && { mutant: values.mutant }),
    keepsGoing: values["keep-going"],
    signal,
    ...(!values.json && { onFailure: show }),
  });
  const { seeds, steps, requests, livedMs, tookMs, failures } = tally;
  if (values.record) appendResult(RUNS, { engine, from: Number(values.from), ...tally });
  if (values.json) print(JSON.stringify({ engine, from: Number(values.from), ...tally }));
  else {
    const rate = (seeds / tookMs) * 1_000;
    print(
      `${engine}: ${seeds} seeds from ${values.from} in ${(tookMs / 1_000).toFixed(1)} s (${rate.toFixed(1)} a second), ${steps} steps, ${requests} requests acknowledged, ${(livedMs / 3_600_000).toFixed(0)} hours lived; ${failures.length} failed`,
    );
  }
  return failures.length === 0;
}

async function main(): Promise<boolean> {
  if (values.help) {
    print(HELP);
    return true;
  }
  if (engines.length === 0) throw new Error(`There is no engine "${values.engine}"; there are ${known.join(", ")}.`);
  if (unknown.length > 0) throw new Error(`There is no feature "${unknown[0]}"; there are ${FEATURES.join(", ")}.`);
  const isPlanted = process.env[MUTANT_VARIABLE] !== undefined;
  if (values.mutant !== "" && values.seed !== undefined && !isPlanted) return again(values.mutant);
  const over = new AbortController();
  process.once("SIGINT", () => over.abort());
  const timer = setTimeout(() => over.abort(), Number(values.minutes) * 60_000);
  if (values.mutants) {
    const names = listOf(values.mutant);
    const { json: isJson, record: records } = values;
    const [seeds, workers] = [Number(values.seeds), Number(values.workers)];
    const { signal } = over;
    const areSeen = await reportMutants({ seeds, workers, names, isJson, records, signal, print });
    clearTimeout(timer);
    return areSeen;
  }
  let isWell = true;
  for (const engine of engines) {
    if (over.signal.aborted || (!isWell && !values["keep-going"])) break;
    isWell = (await (values.seed === undefined ? many(engine, over.signal) : one(engine, Number(values.seed)))) && isWell;
  }
  clearTimeout(timer);
  return isWell;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
