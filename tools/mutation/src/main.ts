/**
 * `npm run mutation`: changes core in one place at a time, and asks its tests whether they notice. A mutant that none
 * notices is behaviour that nothing holds, or a change that changes nothing.
 */
import { existsSync } from "node:fs";
import { mkdtemp, glob, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { appendResult } from "../../../scripts/results.ts";
import { Worker, type WorkerTerms } from "./crew.ts";
import { mutate, shuffled, type Mutant } from "./mutants.ts";
import { cover, createPlanner, fileOf, type Covered, type Plan } from "./plan.ts";
import { reportOf, type Extent, type Report as Results } from "./report.ts";
import { isNoticed, lineOf, readKept, writeKept, type Fate, type Kept, type Outcome } from "./results.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const RESULTS = join(ROOT, "tools/mutation/results/core.json");
/** Where there is such a place: what these tests store is read by nobody afterwards. */
const MEMORY = "/dev/shm";
const SAVE_EVERY = 25;

const HELP = `npm run mutation -- [FILES] [options]

Changes core in one place at a time and runs the tests that reach it. FILES: parts of paths below packages/core/src,
such as rules/ or flow/submit.ts; without any, all of core.

  --tests WHICH    unit: core's own tests alone, which is quick; all: the contract on the embedded engine as well (default)
  --jobs N         processes at once (default 2)
  --minutes N      stop after N minutes; what is known is kept, and the next run goes on. 0 tells what is known
  --sample N       N mutants alone, by chance, the same each time: the score of all follows from theirs
  --again          try survivors again (what was noticed is kept while its file is unchanged)
  --fresh          forget what is known
  --list           print survivors that no kind explains
  --record         append the result for all of core to tools/mutation/results
  --json           print everything as JSON
  --help
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: "string", default: "all" },
    jobs: { type: "string", default: "2" },
    minutes: { type: "string", default: "600" },
    sample: { type: "string", default: "Infinity" },
    again: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const KEPT = join(ROOT, `node_modules/.cache/streamer-mutation-${values.tests}.json`);

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function testFiles(): Promise<readonly string[]> {
  const files: string[] = [];
  for await (const file of glob("packages/core/src/**/*.test.ts", { cwd: ROOT })) files.push(join(ROOT, file));
  const contract = values.tests === "unit" ? [] : [join(ROOT, "packages/embedded/test/contract.test.ts")];
  return [...files.toSorted(), ...contract];
}

async function coverage(terms: WorkerTerms): Promise<Covered> {
  const covered = await cover(terms);
  for (const { name, problem } of covered.tests)
    if (problem !== undefined) say(`left out, as it fails without any mutant: ${name}: ${problem}`);
  return covered;
}

async function tryOut(shared: Worker, terms: WorkerTerms, mutant: Mutant, plan: Plan): Promise<Outcome> {
  if (plan.tests.length === 0) return { fate: "uncovered" };
  const order = { kind: "try", mutant: mutant.id, ...plan } as const;
  const needed = Array.from(new Set(plan.tests.map(({ id }) => fileOf(id)))).toSorted();
  const worker = plan.isStatic ? new Worker({ ...terms, testFiles: needed }, mutant.id) : shared;
  let answer = await worker.order(order);
  if (answer.kind === "spoilt") answer = await worker.order(order);
  if (plan.isStatic) worker.stop();
  // A test that fails in a fresh process without the mutant is no witness.
  if (answer.kind === "spoilt" || answer.kind === "survived" || answer.kind === "covered") return { fate: "survived" };
  return { fate: answer.kind, by: answer.by };
}

async function tryAll(terms: WorkerTerms, { all, sample }: Extent, covered: Covered, kept: Kept): Promise<void> {
  const ends = Date.now() + Number(values.minutes) * 60_000;
  const wanted = sample.filter(({ key }) => kept[key] === undefined || (values.again && !isNoticed(kept[key])));
  say(`${all.length} mutants, ${sample.length} of them looked at, of which ${wanted.length} are tried, by ${covered.tests.length} tests`);
  const planOf = createPlanner(ROOT, all, covered);
  const queue = wanted.map((mutant) => ({ mutant, plan: planOf(mutant) }));
  const counts: Record<Fate, number> = { killed: 0, "timed out": 0, survived: 0, uncovered: 0 };
  let done = 0;
  let isStopped = false;
  process.once("SIGINT", () => {
    isStopped = true;
    say("stopping: what is known is kept");
  });
  const work = async (): Promise<void> => {
    const worker = new Worker(terms);
    for (;;) {
      const next = queue.shift();
      if (!next || isStopped || Date.now() > ends) break;
      const outcome = await tryOut(worker, terms, next.mutant, next.plan);
      kept[next.mutant.key] = outcome;
      counts[outcome.fate] += 1;
      done += 1;
      if (done % SAVE_EVERY === 0) {
        await writeKept(KEPT, kept);
        say(`${done} of ${wanted.length}: ${JSON.stringify(counts)}`);
      }
    }
    worker.stop();
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  await writeKept(KEPT, kept);
}

const commandOf = (): string => ["npm run mutation --", ...process.argv.slice(2)].join(" ");

async function main(): Promise<void> {
  const folder = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), "streamer-mutation-"));
  try {
    const { mutants, sources } = await mutate(ROOT, positionals);
    const terms = { folder, sourcesFile: join(folder, "sources.json"), testFiles: await testFiles() };
    await writeFile(terms.sourcesFile, JSON.stringify(sources));
    const kept = values.fresh ? {} : await readKept(KEPT);
    const extent = { all: mutants, sample: shuffled(mutants).slice(0, Number(values.sample)) };
    const isUnknown = values.again || extent.sample.some(({ key }) => kept[key] === undefined);
    if (isUnknown && Number(values.minutes) > 0) await tryAll(terms, extent, await coverage(terms), kept);
    const results = reportOf(extent, kept);
    print(results);
    if (values.record && positionals.length === 0) appendResult(RESULTS, { command: commandOf(), tests: values.tests, ...results.summary });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function print({ summary, files, unexplained }: Results): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ...summary, files, unexplained: unexplained.map(lineOf) }, undefined, 2)}\n`);
    return;
  }
  const { folders, all, ...rest } = summary;
  for (const [name, score] of [...Object.entries(files), ...Object.entries(folders), ["all", all] as const])
    process.stdout.write(`${String(score.percent).padStart(5)} %  ${score.killed + score.timed_out} of ${score.mutants}  ${name}\n`);
  process.stdout.write(`${JSON.stringify(rest)}\n`);
  if (values.list) for (const mutant of unexplained) process.stdout.write(`${lineOf(mutant)}\n`);
}

if (values.help) process.stdout.write(HELP);
else await main();
