/** The tables of docs/reliability.md, from what was recorded: nothing in them is written by hand. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

interface Recorded {
  readonly commit: string;
  readonly date: string;
}

interface SimulationRun extends Recorded {
  readonly engine: string;
  readonly from: number;
  readonly seeds: number;
  readonly steps: number;
  readonly requests: number;
  readonly livedMs: number;
  readonly failures: readonly unknown[];
}

interface PlantedBugs extends Recorded {
  readonly results: readonly {
    readonly mutant: string;
    readonly does: string;
    readonly promise: string;
    readonly engine: string;
    readonly seed: number | null;
    readonly seen: string | null;
  }[];
}

interface Score {
  readonly mutants: number;
  readonly killed: number;
  readonly timed_out: number;
  readonly survived: number;
  readonly uncovered: number;
  readonly percent: number;
}

interface MutationRun extends Recorded {
  readonly command: string;
  readonly extent: "whole" | "sample";
  readonly mutants_of_core: number;
  readonly untried: number;
  readonly all: Score;
  readonly interval_95?: { readonly low: number; readonly high: number };
  readonly folders: Readonly<Record<string, Score>>;
  readonly survivors: Readonly<Record<string, number>>;
}

interface SuiteBugs extends Recorded {
  readonly seed: number;
  readonly results: readonly {
    readonly suite: string;
    readonly bug: string;
    readonly count: number;
    readonly broken: number;
    readonly first: string;
  }[];
}

interface SuiteRun extends Recorded {
  readonly suite: string;
  readonly size: string;
  readonly count: number;
  readonly unit: string;
  readonly seed: number;
  readonly seconds: number;
  readonly figures: readonly Readonly<Record<string, string | number>>[];
  readonly broken: readonly string[];
}

const read = (path: string): unknown => JSON.parse(readFileSync(join(ROOT, path), "utf8"));
const whole = (count: number): string => count.toLocaleString("en-US");
const day = ({ date }: Recorded): string => date.slice(0, 10);

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The last of each kind, in the order in which the kinds first came. */
function newest<T>(all: readonly T[], kindOf: (one: T) => string): readonly T[] {
  return Array.from(new Map(all.map((one) => [kindOf(one), one])).values());
}

function simulation(): string {
  const runs = newest(read("tools/simulation/results/runs.json") as readonly SimulationRun[], ({ engine, from }) => `${engine} ${from}`);
  return table(
    ["Engine", "Seeds", "Failed", "Steps", "Requests acknowledged", "Hours lived", "Commit", "Date"],
    runs.map((run) => [
      run.engine,
      `${whole(run.seeds)} from ${whole(run.from)}`,
      whole(run.failures.length),
      whole(run.steps),
      whole(run.requests),
      whole(Math.round(run.livedMs / 3_600_000)),
      run.commit,
      day(run),
    ]),
  );
}

function plantedBugs(): string {
  const { commit, date, results } = read("tools/simulation/results/mutants.json") as PlantedBugs;
  const seen = results.filter(({ seed }) => seed !== null).length;
  const rows = results.map(({ mutant, does, promise, engine, seed, seen: by }) => [
    `\`${mutant}\``,
    does,
    promise,
    engine,
    seed === null ? "not seen" : whole(seed),
    by ?? "",
  ]);
  return `${seen} of ${results.length} were seen (commit ${commit}, ${date.slice(0, 10)}). Seeds are tried from 1 on: the number is that of the first that saw it.

${table(["Bug", "What it does", "Breaks", "Engine", "Seeds to find", "Seen as"], rows)}`;
}

function mutation(): string {
  const run = (read("tools/mutation/results/core.json") as readonly MutationRun[]).at(-1)!;
  const { all, extent, interval_95: interval } = run;
  const of = extent === "whole" ? "all of them" : `${whole(all.mutants)} of them, drawn by chance,`;
  const between = interval ? ` (95 %: ${interval.low} to ${interval.high} %)` : "";
  const rows = [...Object.entries(run.folders), ["all", all] as const].map(([name, score]) => [
    name,
    whole(score.mutants),
    whole(score.killed + score.timed_out),
    whole(score.survived + score.uncovered),
    `${score.percent} %`,
  ]);
  const kinds = Object.entries(run.survivors).map(([kind, count]) => `${kind} ${count}`);
  return `Core has ${whole(run.mutants_of_core)} mutants; ${of} were tried, and ${all.percent} % noticed${between} (\`${run.command}\`, commit ${run.commit}, ${day(run)}). Survivors by kind, each with its reason in \`tools/mutation/src/kinds.ts\`: ${kinds.join(", ")}.

${table(["Folder", "Mutants", "Noticed", "Survived", "Score"], rows)}`;
}

function suiteBugs(): string {
  const { commit, date, seed, results } = (read("tools/torture/results/planted.json") as readonly SuiteBugs[]).at(-1)!;
  const rows = results.map(({ suite, bug, count, broken, first }) => [
    suite,
    `\`${bug}\``,
    whole(count),
    broken === 0 ? "not seen" : whole(broken),
    first.replaceAll(/torture-[\w-]+/g, "one request").slice(0, 140),
  ]);
  return `Commit ${commit}, ${date.slice(0, 10)}, seed ${seed}.

${table(["Suite", "Bug", "Faults", "Promises called broken", "The first"], rows)}`;
}

const told = (figures: SuiteRun["figures"]): string =>
  figures
    .map((row) =>
      Object.entries(row)
        .flatMap(([name, value]) =>
          value === "" ? [] : [`${name.replaceAll("_", " ")} ${typeof value === "number" ? whole(value) : value}`],
        )
        .join(", "),
    )
    .join("; ");

function torture(): string {
  const files = globSync("tools/torture/results/*.json", { cwd: ROOT }).filter((path) => !path.endsWith("planted.json"));
  const all = files.toSorted().flatMap((path) => read(path) as readonly SuiteRun[]);
  const runs = newest(all, ({ suite, size }) => `${suite} ${size}`);
  return table(
    ["Suite", "Size", "Faults", "Promises broken", "Seen", "Seed", "Commit", "Date"],
    runs.map((run) => [
      run.suite,
      run.size,
      `${whole(run.count)} ${run.unit}`,
      whole(run.broken.length),
      told(run.figures),
      String(run.seed),
      run.commit,
      day(run),
    ]),
  );
}

export const figures = (): string => `### Simulation

${simulation()}

### Planted bugs

${plantedBugs()}

### Mutants of core

${mutation()}

### Torture

${torture()}

### Bugs planted into a server under torture

${suiteBugs()}
`;
