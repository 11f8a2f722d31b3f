/** The tarballs of a release: packed by npm, looked into, and checked as those who install them would resolve them. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData, type Package, type Problem } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { ROOT } from "./manifest.ts";
import { PUBLISHED } from "./published.ts";

export interface Tarball {
  readonly name: string;
  readonly version: string;
  /** In the folder it was packed into. */
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly paths: readonly string[];
}

interface Packed {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** npm gives every file in it the same time, so the same files make the same tarball. */
export function pack(builtFolder: string, into: string): Tarball {
  const args = ["pack", builtFolder, "--json", "--ignore-scripts", "--pack-destination", into];
  const said: unknown = JSON.parse(execFileSync("npm", args, { cwd: ROOT, encoding: "utf8", maxBuffer: 64 * 1_048_576 }));
  // npm 10 tells a list, npm 11 an object by name.
  const [{ name, version, filename, size, unpackedSize, files } = missing(builtFolder)] = Object.values(said as Record<string, Packed>);
  return {
    name,
    version,
    file: filename,
    sha256: createHash("sha256")
      .update(readFileSync(join(into, filename)))
      .digest("hex"),
    bytes: size,
    unpackedBytes: unpackedSize,
    paths: files.map(({ path }) => path),
  };
}

const missing = (folder: string): never => {
  throw new Error(`npm packed nothing of ${folder}.`);
};

const A_TEST = "a test";
const REFUSED_PATHS: readonly (readonly [what: string, pattern: RegExp])[] = [
  [A_TEST, /\.test(?:-d)?\.|\.spec\.|(?:^|\/)(?:tests?|__tests__|fixtures?)\//],
  ["what may hold a secret", /(?:^|\/)(?:\.env[^/]*|\.npmrc|\.netrc|[^/]*\.(?:pem|key|p12|pfx)|id_(?:rsa|ed25519))$/],
  ["what a machine has left", /(?:^|\/)(?:\.DS_Store|[^/]*\.(?:log|tsbuildinfo|tgz|swp))$/],
];

const REFUSED_TEXTS: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["a private key", /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----\s{0,4}(?:\\n)?[\w+/=]{40}/],
  ["an AWS access key", /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ["a token of npm or GitHub", /\b(?:npm_[A-Za-z0-9]{36}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60})/],
  ["a JWT", /\beyJ[\w-]{16,}\.eyJ[\w-]{16,}\.[\w-]{16,}/],
  ["a path of somebody's machine", /(?:file:\/\/)?(?:\/home\/|\/Users\/|[A-Z]:\\\\?Users\\\\?)[\w.-]+/],
];

/** A project that is given to others as it stands has its tests. */
const GIVEN = PUBLISHED.flatMap(({ copies = [] }) => copies);
const isGiven = (path: string): boolean => GIVEN.some((folder) => path.startsWith(`${folder}/`));

/** What must not leave this machine, as sentences; none when all is well. `read` answers a file's text. */
export function refusals(paths: readonly string[], read: (path: string) => string): readonly string[] {
  const here = [ROOT, homedir()].filter((path) => path.length > 1);
  return paths.flatMap((path) => {
    const byPath = REFUSED_PATHS.filter(([what, pattern]) => pattern.test(path) && !(what === A_TEST && isGiven(path))).map(
      ([what]) => `${path} is ${what}.`,
    );
    const text = read(path);
    const byText = REFUSED_TEXTS.filter(([, pattern]) => pattern.test(text)).map(([what]) => `${path} has ${what} in it.`);
    const byPlace = here.filter((place) => text.includes(`${place}/`)).map(() => `${path} names a path of this machine.`);
    return [...byPath, ...byText, ...byPlace];
  });
}

/** Every package is for `import` alone: how `require` and the resolution before `exports` see it does not count. */
const NOT_FOR = new Set(["node10", "node16-cjs"]);

const counts = (problem: Problem): boolean =>
  !("resolutionKind" in problem && NOT_FOR.has(problem.resolutionKind)) &&
  !("resolutionOption" in problem && NOT_FOR.has(problem.resolutionOption));

/** `./entry/*` as what there is of it. */
function entriesOf(pkg: Package): readonly string[] {
  const root = `/node_modules/${pkg.packageName}/`;
  const { exports } = JSON.parse(pkg.readFile(`${root}package.json`)) as { readonly exports: Readonly<Record<string, unknown>> };
  return Object.entries(exports).flatMap(([subpath, target]) => {
    if (typeof target === "string") return [];
    if (!subpath.includes("*")) return [subpath];
    const [before = "", after = ""] = (target as { readonly types: string }).types.slice(2).split("*");
    return pkg
      .listFiles()
      .filter((path) => path.startsWith(root + before) && path.endsWith(after))
      .map((path) => subpath.replace("*", path.slice(root.length + before.length, -after.length)));
  });
}

/** What publint, attw and this file have against it. */
export async function problemsOf({ name, file, paths }: Tarball, folder: string): Promise<readonly string[]> {
  const data = readFileSync(join(folder, file));
  const linted = await publint({ pack: { tarball: Uint8Array.from(data).buffer }, strict: true });
  const pkg = createPackageFromTarballData(data);
  const entrypoints = entriesOf(pkg);
  const { types, ...checked } = await checkPackage(pkg, { entrypoints: [...entrypoints] });
  const typed = types !== false && "problems" in checked ? checked.problems.filter(counts) : undefined;
  return [
    ...refusals(paths, (path) => pkg.readFile(`/node_modules/${name}/${path}`)),
    ...linted.messages.map((message) => formatMessage(message, linted.pkg) ?? message.code),
    ...(typed?.map((problem) => `Types: ${JSON.stringify(problem)}`) ?? ["It has no types."]),
    ...(entrypoints.length === 0 ? ["It has no entries."] : []),
  ];
}
