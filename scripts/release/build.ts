/**
 * Builds what is published into build/packages, one folder each, as it goes into its tarball: `npm run build [-- NAME…]`.
 * Nothing in this repository uses what is built; only outsiders do (tools/outside).
 */
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { build, type UserConfig } from "tsdown";
import { importsIn } from "../edges/imports.ts";
import { ROOT, builtIn, folderOf, placeOfMore, publishedManifest, readManifest } from "./manifest.ts";
import { PUBLISHED, TARGET, type Published } from "./published.ts";

const BUILT = join(ROOT, "build/packages");
const shortName = ({ folder }: Published): string => readManifest(folder).name.split("/")[1]!;

/** What code is written down to the target with, as `using` is: it comes with the compiler, and goes into the package. */
const HELPERS = "@oxc-project/runtime";

/** Of a package: what it was built from. */
const SOURCES = "sources";

type Plugin = Extract<NonNullable<UserConfig["plugins"]>, { readonly name: string }>;

/** A module that is started, not imported: a worker's, a process's. */
const STARTED = /new URL\("(?:\.\/)?([\w/-]+)\.ts", import\.meta\.url\)/g;

/** Sources that others start by their place, as entries of their own. */
function startedBy(folder: string): readonly string[] {
  return globSync("**/*.ts", { cwd: join(ROOT, folder, "src") })
    .filter((path) => !path.endsWith(".test.ts"))
    .flatMap((path) =>
      Array.from(readFileSync(join(ROOT, folder, "src", path), "utf8").matchAll(STARTED), ([, name]) => join(dirname(path), `${name!}.ts`)),
    )
    .filter((path) => existsSync(join(ROOT, folder, "src", path)));
}

const startedAsBuilt: Plugin = {
  name: "started-as-built",
  transform: (code: string) => (STARTED.test(code) ? code.replaceAll(STARTED, 'new URL("./$1.js", import.meta.url)') : undefined),
};

function entriesOf(published: Published): Readonly<Record<string, string>> {
  const { folder, more = {} } = published;
  const { exports, bin = {} } = readManifest(folder);
  const own = [...Object.values(exports), ...Object.values(bin)].flatMap((source) => globSync(source, { cwd: join(ROOT, folder) }));
  const sources = [...own.map((path) => relative("src", path)), ...startedBy(folder)];
  return {
    ...Object.fromEntries(sources.map((path) => [path.replace(/\.tsx?$/, ""), join(ROOT, folder, "src", path)])),
    ...Object.fromEntries(Object.entries(more).map(([subpath, source]) => [placeOfMore(subpath), join(ROOT, source)])),
  };
}

/** So that "go to definition", and a stack trace, lead to what was written. */
function copySources(folder: string, out: string): void {
  cpSync(join(ROOT, folder, "src"), join(out, SOURCES, folder, "src"), {
    recursive: true,
    filter: (path) => !/\.test\.tsx?$/.test(path),
  });
}

/** Maps name a source by its place in this repository; in the package it is elsewhere. */
function leadToSources(out: string): void {
  for (const path of globSync("dist/**/*.map", { cwd: out })) {
    const place = join(out, path);
    const map = JSON.parse(readFileSync(place, "utf8")) as { sources: (string | null)[]; sourcesContent?: unknown };
    delete map.sourcesContent;
    map.sources = map.sources.map((source) => {
      if (source === null) return null;
      const inRepository = relative(ROOT, resolve(dirname(place), source));
      const copied = join(out, SOURCES, inRepository);
      return existsSync(copied) ? relative(dirname(place), copied) : null;
    });
    writeFileSync(place, JSON.stringify(map));
  }
}

/** Strangers install what the manifest names, and find nothing else. */
function refuseUndeclaredImports(published: Published, out: string): void {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, name } = readManifest(relative(ROOT, out));
  const known = new Set([
    name,
    ...[dependencies, optionalDependencies, peerDependencies].flatMap(Object.keys),
    ...(published.without ?? []),
  ]);
  const undeclared = globSync("dist/**/*.{js,d.ts}", { cwd: out }).flatMap((file) =>
    importsIn(file, readFileSync(join(out, file), "utf8"))
      .filter(({ target }) => !target.startsWith("dist/") && !isBuiltin(target))
      .filter(({ target }) => ![target, `@types/${target}`].some((id) => known.has(/^(?:@[^/]+\/)?[^/]+/.exec(id)![0])))
      .map(({ target }) => `${target} in ${file}`),
  );
  if (undeclared.length > 0) throw new Error(`${name} imports what its manifest does not name: ${undeclared.join(", ")}.`);
}

async function buildOne(published: Published, out: string): Promise<void> {
  const inside = builtIn(published);
  const folders = [published.folder, ...inside.map(folderOf)];
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  // At the root: its place is the root of what is declared. Two may build at a time.
  const tsconfig = join(ROOT, `tsconfig.build-${shortName(published)}-${process.pid}.json`);
  const include = folders.map((folder) => join(ROOT, folder, "src/**/*"));
  const exclude = folders.map((folder) => join(ROOT, folder, "src/**/*.test.*"));
  writeFileSync(tsconfig, JSON.stringify({ extends: "./tsconfig.json", include, exclude }));
  const isInside = new RegExp(`^(?:${[...inside, HELPERS].join("|")})(?:/|$)`);
  await build({
    config: false,
    cwd: join(ROOT, published.folder),
    entry: entriesOf(published),
    outDir: join(out, "dist"),
    format: "esm",
    platform: "neutral",
    target: [...(published.target ?? [TARGET])],
    unbundle: true,
    fixedExtension: false,
    dts: { sourcemap: true },
    sourcemap: true,
    tsconfig,
    plugins: [startedAsBuilt],
    deps: {
      alwaysBundle: [isInside],
      neverBundle: (id: string) => !/^[./\0]/.test(id) && !isInside.test(id),
    },
    logLevel: "error",
  }).finally(() => rmSync(tsconfig));
  for (const folder of folders) copySources(folder, out);
  leadToSources(out);
  for (const folder of published.copies ?? []) cpSync(join(ROOT, published.folder, folder), join(out, folder), { recursive: true });
  writeFileSync(join(out, "package.json"), `${JSON.stringify(publishedManifest(published), undefined, 2)}\n`);
  refuseUndeclaredImports(published, out);
  cpSync(join(ROOT, "LICENSE"), join(out, "LICENSE"));
  const readme = join(ROOT, published.folder, "README.md");
  if (existsSync(readme)) cpSync(readme, join(out, "README.md"));
}

interface BuildTerms {
  /** As in build/packages. Default: all. */
  readonly names?: readonly string[];
  /** The folder that gets a folder for each. Default: build/packages. */
  readonly into?: string;
  readonly tell?: (text: string) => void;
}

/** Answers their folders. */
export async function buildPackages({ names = [], into = BUILT, tell = () => {} }: BuildTerms = {}): Promise<readonly string[]> {
  const folders: string[] = [];
  for (const published of PUBLISHED) {
    const name = shortName(published);
    if (names.length > 0 && !names.includes(name)) continue;
    const from = performance.now();
    const out = join(into, name);
    await buildOne(published, out);
    tell(`${readManifest(published.folder).name}: ${((performance.now() - from) / 1_000).toFixed(1)} s`);
    folders.push(out);
  }
  return folders;
}

if (import.meta.main) await buildPackages({ names: process.argv.slice(2), tell: console.log });
