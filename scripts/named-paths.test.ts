/** What configurations and documents name is there: a folder that has moved leaves no name behind. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import conformance from "../packages/contract/conformance/vitest.config.ts";
import { PROJECTS } from "../vitest.config.ts";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const json = (path: string): unknown => JSON.parse(read(path));
const exclude = (path: string): boolean => /(?:^|\/)node_modules(?:\/|$)/.test(path);
const isThere = (glob: string, folder = ""): boolean => globSync(glob, { cwd: join(ROOT, folder), exclude }).length > 0;

interface Compiled {
  readonly include: readonly string[];
  readonly exclude?: readonly string[];
}
interface Manifest {
  readonly workspaces: readonly string[];
  readonly "size-limit": readonly { readonly path: string | readonly string[] }[];
}

describe("what configurations name is there", () => {
  const { workspaces, "size-limit": sizes } = json("package.json") as Manifest;
  const { workspaces: entriesOf } = json("knip.json") as {
    readonly workspaces: Readonly<Record<string, { readonly entry: readonly string[] }>>;
  };
  const lint = json(".oxlintrc.json") as { readonly overrides: readonly { readonly files: readonly string[] }[] };
  const compiled = ["tsconfig.json", "tsconfig.platform-free.json"].map((path) => json(path) as Compiled);
  const named: Readonly<Record<string, readonly string[]>> = {
    "package.json": [...workspaces, ...sizes.flatMap(({ path }) => path)],
    "tsconfig.json and tsconfig.platform-free.json": compiled.flatMap((one) => [...one.include, ...(one.exclude ?? [])]),
    "vitest.config.ts": Object.values(PROJECTS).flatMap(({ include }) => include),
    ".oxlintrc.json": lint.overrides.flatMap(({ files }) => files),
  };

  it.each(Object.entries(named))("%s", (_, globs) => {
    expect(globs.length).toBeGreaterThan(0);
    expect(globs.filter((glob) => !isThere(glob))).toEqual([]);
  });

  it("every test is in one project of vitest.config.ts", () => {
    const found = (globs: readonly string[]): readonly string[] => globSync([...globs], { cwd: ROOT, exclude });
    const taken = Object.values(PROJECTS).flatMap(({ include, exclude: left = [] }) => {
      const leftOut = new Set(found(left));
      return found(include).filter((path) => !leftOut.has(path));
    });
    expect(taken.toSorted()).toEqual([...new Set(taken)].toSorted());
    // Run from elsewhere: against any address, in what init makes, and nowhere.
    const others = ["packages/contract/conformance/", "packages/cli/templates/", "build/"];
    const all = found(["**/*.test.ts"]).filter((path) => !others.some((folder) => path.startsWith(folder)));
    expect(all.filter((path) => !taken.includes(path))).toEqual([]);
  });

  it("knip.json", () => {
    const entries = Object.entries(entriesOf).flatMap(([folder, { entry }]) => entry.map((glob) => ({ folder, glob })));
    expect(entries.filter(({ folder, glob }) => !isThere(glob, folder))).toEqual([]);
  });

  it("the wire suite's own vitest.config.ts", () => {
    const { root = ROOT, include = [] } = conformance.test ?? {};
    expect(include.filter((glob) => globSync(glob, { cwd: root, exclude }).length === 0)).toEqual([]);
  });
});

describe("what documents name is there", () => {
  const documents = globSync(["*.md", "docs/**/*.md", "bench/*.md", "packages/*/README.md"], { cwd: ROOT });
  /** `flow/route.ts` is core's; `embedded/sqlite/store.ts` leaves out what all packages have. */
  const homes = ["", "packages/", "packages/core/", "packages/core/src/", "packages/core/src/flow/", "tools/", "apps/"];

  function isFile(path: string, beside: string): boolean {
    const [first = "", ...rest] = path.split("/");
    const shortened = [path, [first, "src", ...rest].join("/")];
    return [...homes.flatMap((home) => shortened.map((one) => home + one)), join(beside, path)].some((one) => existsSync(join(ROOT, one)));
  }

  it.each(documents)("%s", (document) => {
    const text = read(document);
    const code = Array.from(text.matchAll(/`((?:[a-z][\w.-]*\/)+[\w.-]+\.(?:ts|tsx|mjs|json|py|md))`/g), ([, path = ""]) => path);
    const links = Array.from(text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g), ([, path = ""]) => path);
    expect(code.filter((path) => !isFile(path, dirname(document)))).toEqual([]);
    expect(links.filter((path) => !existsSync(join(ROOT, dirname(document), path)))).toEqual([]);
  });

  /** Comments name stages and ports by their paths in core. */
  it("what comments in core name", () => {
    const files = globSync("packages/core/src/**/*.ts", { cwd: ROOT });
    const lost = files.flatMap((file) =>
      Array.from(
        read(file).matchAll(/(?:\/\/|\*).*?((?:flow|rules|ports|runs|deliver|report|receive)\/[\w/-]+\.ts)/g),
        ([, path = ""]) => path,
      )
        .filter((path) => !isFile(path, dirname(file)))
        .map((path) => `${file}: ${path}`),
    );
    expect(lost).toEqual([]);
  });

  it("and no decision has the number of another", () => {
    const numbers = globSync("docs/adr/*.md", { cwd: ROOT }).map((path) => /(\d{4})-/.exec(path)?.[1]);
    expect(numbers).toEqual(Array.from(new Set(numbers)));
  });
});
