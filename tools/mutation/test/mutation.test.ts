import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { isAt, KINDS } from "../src/kinds.ts";
import { mutate, shuffled, type Mutant } from "../src/mutants.ts";
import { reportOf } from "../src/report.ts";
import { folderOf, intervalOf, scoreOf, scoresBy, type Outcome } from "../src/results.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

describe("mutants of core", () => {
  it("are made of the files that are asked for, each with its place and what it changes", async () => {
    const { mutants, sources } = await mutate(ROOT, ["rules/rate.ts"]);
    expect(Object.keys(sources)).toEqual([expect.stringMatching(/rules\/rate\.ts$/)]);
    expect(mutants.length).toBeGreaterThan(5);
    for (const { file, was, becomes, line } of mutants) {
      expect(file).toBe("packages/core/src/rules/rate.ts");
      expect(line).toBeGreaterThan(0);
      expect(was).not.toBe(becomes);
    }
    expect(new Set(mutants.map(({ key }) => key)).size).toBe(mutants.length);
    expect(shuffled(mutants)).not.toEqual(mutants);
    expect(shuffled(mutants.toReversed())).toEqual(shuffled(mutants));
    expect(Object.values(sources)[0]).toContain(`("${mutants[0]!.id}")`);
  });

  it("leave alone what is logged and what people read, and nothing else of the same line", async () => {
    const { mutants, ignoredCount } = await mutate(ROOT, ["flow/runs/answer.ts"]);
    expect(ignoredCount).toBeGreaterThan(5);
    expect(mutants.filter(({ was }) => /^(["`].*(could not be remembered|The server stopped before)|log\.)/.test(was))).toEqual([]);
    expect(mutants.map(({ was }) => was)).toContain('"SERVICE_UNAVAILABLE"');
  });
});

describe("the kinds of survivors", () => {
  it("each explain something of core at each of their sites", async () => {
    const { mutants } = await mutate(ROOT, []);
    const stale = KINDS.flatMap(({ name, sites }) =>
      sites.filter((site) => !mutants.some((mutant) => isAt(site, mutant))).map((site) => ({ name, ...site })),
    );
    expect(stale).toEqual([]);
    expect(new Set(KINDS.map(({ name }) => name)).size).toBe(KINDS.length);
  });
});

describe("a score", () => {
  const mutant = (file: string, line = 3): Mutant => ({
    id: "1",
    file,
    line,
    column: 5,
    mutator: "M",
    was: "a <\n b",
    becomes: "a <= b",
    text: "if (a <",
    key: `${file}:${line}`,
  });
  const outcomes = new Map<Mutant, Outcome>([
    [mutant("packages/core/src/rules/a.ts"), { fate: "killed", by: "a test" }],
    [mutant("packages/core/src/rules/b.ts"), { fate: "timed out" }],
    [mutant("packages/core/src/rules/b.ts", 4), { fate: "survived" }],
    [mutant("packages/core/src/errors.ts"), { fate: "uncovered" }],
  ]);

  it("counts what no test reaches as what none notices", () => {
    expect(scoreOf(Array.from(outcomes.values()))).toEqual({ mutants: 4, killed: 1, timed_out: 1, survived: 1, uncovered: 1, percent: 50 });
    expect(scoreOf([])).toMatchObject({ mutants: 0, percent: 100 });
  });

  it("is kept by folder and file", () => {
    expect(scoresBy(outcomes, folderOf)).toMatchObject({ "(top)": { mutants: 1, percent: 0 }, rules: { mutants: 3, percent: 66.7 } });
  });

  it("of a sample is told with the interval in which that of all lies", () => {
    const sample = (noticed: number, count: number): readonly Outcome[] =>
      Array.from({ length: count }, (_, at) => ({ fate: at < noticed ? "killed" : "survived" }));
    expect(intervalOf(sample(80, 100))).toEqual({ low: 71.1, high: 86.7 });
    expect(intervalOf(sample(0, 10)).low).toBe(0);
    expect(intervalOf([])).toEqual({ low: 0, high: 100 });
  });

  it("is of the whole once every mutant was tried", () => {
    const all = Array.from(outcomes.keys());
    const kept = Object.fromEntries(Array.from(outcomes, ([{ key }, outcome]) => [key, outcome]));
    const whole = reportOf({ all, sample: all }, kept);
    expect(whole.summary).toMatchObject({ extent: "whole", mutants_of_core: 4, untried: 0, survivors: { unexplained: 2 } });
    expect(whole.summary).not.toHaveProperty("interval_95");
    expect(whole.unexplained).toEqual([all[2], all[3]]);
    expect(reportOf({ all, sample: all.slice(1) }, {}).summary).toMatchObject({
      extent: "sample",
      untried: 3,
      interval_95: { low: 0, high: 100 },
    });
  });
});
