import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { mutate, type Mutant } from "../src/mutants.ts";
import { folderOf, scoreOf, scoresBy, survivorsOf, type Outcome } from "../src/results.ts";

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
    expect(Object.values(sources)[0]).toContain(`("${mutants[0]!.id}")`);
  });

  it("leave alone what is logged and what people read, and nothing else of the same line", async () => {
    const { mutants, ignoredCount } = await mutate(ROOT, ["flow/runs/answer.ts"]);
    expect(ignoredCount).toBeGreaterThan(5);
    expect(mutants.filter(({ was }) => /could not be remembered|The server stopped before/.test(was) && /^["`]/.test(was))).toEqual([]);
    expect(mutants.map(({ was }) => was)).toContain('"SERVICE_UNAVAILABLE"');
  });
});

describe("a score", () => {
  const mutant = (file: string): Mutant => ({
    id: "1",
    file,
    line: 3,
    column: 5,
    mutator: "M",
    was: "a <\n b",
    becomes: "a <= b",
    key: file,
  });
  const outcomes = new Map<Mutant, Outcome>([
    [mutant("packages/core/src/rules/a.ts"), { fate: "killed", by: "a test" }],
    [mutant("packages/core/src/rules/b.ts"), { fate: "timed out" }],
    [mutant("packages/core/src/rules/b.ts"), { fate: "survived" }],
    [mutant("packages/core/src/errors.ts"), { fate: "uncovered" }],
  ]);

  it("counts what no test reaches as what none notices", () => {
    expect(scoreOf(Array.from(outcomes.values()))).toEqual({ mutants: 4, killed: 2, survived: 2, percent: 50 });
    expect(scoreOf([])).toEqual({ mutants: 0, killed: 0, survived: 0, percent: 100 });
  });

  it("is kept by folder and file, and survivors by their place", () => {
    expect(scoresBy(outcomes, folderOf)).toEqual({
      "(top)": { mutants: 1, killed: 0, survived: 1, percent: 0 },
      rules: { mutants: 3, killed: 2, survived: 1, percent: 66.7 },
    });
    expect(survivorsOf(outcomes)).toEqual([
      { at: "packages/core/src/rules/b.ts:3:5", mutator: "M", was: "a < b", becomes: "a <= b" },
      { at: "packages/core/src/errors.ts:3:5", mutator: "M", was: "a < b", becomes: "a <= b" },
    ]);
  });
});
