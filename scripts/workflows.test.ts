/** What GitHub reads of this tree is well formed, and names only what there is. */
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

function yaml(path: string): unknown {
  const document = parseDocument(read(path), { strict: true, uniqueKeys: true });
  expect([...document.errors, ...document.warnings]).toEqual([]);
  return document.toJS();
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly name: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
const workflows = globSync(".github/workflows/*.yml", { cwd: ROOT });
const stepsOf = (path: string): readonly Step[] => Object.values((yaml(path) as Workflow).jobs).flatMap(({ steps }) => steps);

it("every file can be read", () => {
  const files = globSync(".github/**/*.yml", { cwd: ROOT });
  expect(files.length).toBeGreaterThanOrEqual(6);
  for (const file of files) expect(yaml(file)).toBeTypeOf("object");
});

describe.each(workflows)("%s", (path) => {
  it("runs scripts that there are", () => {
    const lines = stepsOf(path).flatMap(({ run = "" }) => run.split("\n"));
    const named = lines.flatMap((line) => Array.from(line.matchAll(/npm run ([\w:-]+)/g), ([, name = ""]) => name));
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    const files = lines.filter((line) => /^\.?[\w-]*\//.test(line)).map((line) => line.split(" ")[0]!);
    expect(files.filter((file) => !existsSync(join(ROOT, file)) || (statSync(join(ROOT, file)).mode & 0o111) === 0)).toEqual([]);
    expect(named.length + files.length).toBeGreaterThan(0);
  });

  it("has no more rights than it needs, ends, and keeps no credentials", () => {
    const { permissions, jobs } = yaml(path) as Workflow;
    expect(Object.values(permissions).filter((right) => right !== "read")).toEqual([]);
    for (const job of Object.values(jobs)) {
      expect(job["timeout-minutes"]).toBeGreaterThan(0);
      const writes = Object.entries(job.permissions ?? {}).flatMap(([right, how]) => (how === "write" ? [right] : []));
      // Whoever may publish may write nothing else, and the other way round.
      expect(writes.length).toBeLessThanOrEqual(1);
      const checkouts = job.steps.filter(({ uses = "" }) => uses.startsWith("actions/checkout@"));
      expect(checkouts.filter(({ with: options }) => options?.["persist-credentials"] !== false)).toEqual([]);
    }
  });

  it("takes each action in a version that is named, and puts nothing of others into a shell's text", () => {
    const steps = stepsOf(path);
    expect(steps.flatMap(({ uses }) => (uses === undefined || /^actions\/[\w-]+@(?:v\d+|[0-9a-f]{40})$/.test(uses) ? [] : [uses]))).toEqual(
      [],
    );
    expect(steps.flatMap(({ run = "" }) => (run.includes("${{") ? [run] : []))).toEqual([]);
  });
});

it("only the release may prove who it is", () => {
  const proving = workflows.filter((path) =>
    Object.values((yaml(path) as Workflow).jobs).some(({ permissions }) => permissions?.["id-token"] === "write"),
  );
  expect(proving).toEqual([".github/workflows/release.yml"]);
});

it("Dependabot waits at least as long as npm does here", () => {
  const { updates } = yaml(".github/dependabot.yml") as {
    readonly updates: readonly { readonly directory: string; readonly cooldown: { readonly "default-days": number } }[];
  };
  const least = Number(/^min-release-age=(\d+)$/m.exec(read(".npmrc"))![1]);
  for (const { directory, cooldown } of updates) {
    expect(existsSync(join(ROOT, directory))).toBe(true);
    expect(cooldown["default-days"]).toBeGreaterThanOrEqual(least);
  }
});

it("every form asks for something, each thing once", () => {
  for (const path of globSync(".github/ISSUE_TEMPLATE/!(config).yml", { cwd: ROOT })) {
    const { name, description, body } = yaml(path) as {
      readonly name: string;
      readonly description: string;
      readonly body: readonly { readonly type: string; readonly id?: string; readonly validations?: { readonly required: boolean } }[];
    };
    expect([name, description].every(Boolean)).toBe(true);
    const ids = body.flatMap(({ id }) => id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(body.some(({ validations }) => validations?.required)).toBe(true);
    expect(body.filter(({ type }) => !["markdown", "textarea", "input", "dropdown", "checkboxes"].includes(type))).toEqual([]);
  }
});
