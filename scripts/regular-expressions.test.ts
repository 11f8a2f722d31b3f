/** No regular expression of what is shipped takes longer than in proportion to what it reads. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseSync, Visitor } from "oxc-parser";
import { checkSync } from "recheck";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Tests that engines run are no part of what is shipped. */
const shipped = globSync("packages/*/src/**/*.{ts,tsx}", { cwd: ROOT, exclude: (path) => path.includes("packages/contract/") }).filter(
  (path) => !path.includes(".test."),
);

/** Files whose input is bounded so that more than linear does not matter, and by what. */
const BOUNDED: Readonly<Record<string, string>> = {
  "packages/cli/src/cdk.ts": "the last 20,000 characters that the CDK said on its user's own machine",
};

interface Literal {
  readonly file: string;
  readonly pattern: string;
  readonly flags: string;
}

function literalsOf(file: string): readonly Literal[] {
  const found: Literal[] = [];
  const { program } = parseSync(file, readFileSync(`${ROOT}/${file}`, "utf8"));
  new Visitor({
    Literal: (node) => {
      if ("regex" in node) found.push({ file, ...node.regex });
    },
  }).visit(program);
  return found;
}

function complexityOf(pattern: string, flags = ""): string {
  const found = checkSync(pattern, flags, { timeout: 60_000 });
  return found.status === "vulnerable" ? found.complexity.type : found.status;
}

it("each is linear in its input, whatever that is", { timeout: 400_000 }, () => {
  const literals = shipped.flatMap(literalsOf);
  expect(literals.length).toBeGreaterThan(50);
  const known = new Map(literals.map((literal) => [`/${literal.pattern}/${literal.flags}`, literal]));
  const slow = Array.from(known, ([text, { file, pattern, flags }]) => {
    const isFine = file in BOUNDED || complexityOf(pattern, flags) === "safe";
    return isFine ? [] : [`${file}: ${text} is ${complexityOf(pattern, flags)}`];
  }).flat();
  expect(slow).toEqual([]);
});

it("sees one that is not", () => {
  expect(complexityOf(String.raw`a.*b.*c$`)).toBe("polynomial");
  expect(complexityOf(String.raw`^(a|a)*$`)).toBe("exponential");
});
