/** One version for all: every workspace, the lockfile, what a server says of itself, and the Python client. */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { released } from "./changelog.ts";

interface Lockfile {
  version: string;
  readonly packages: Record<string, { version?: string; readonly link?: boolean }>;
}

/** What has it: files by glob, and where in each it stands. */
const PLACES: readonly (readonly [glob: string, place: RegExp])[] = [
  ["package.json", /^( {2}"version": ")([^"]+)/m],
  ["{packages,tools,apps,examples}/*/package.json", /^( {2}"version": ")([^"]+)/m],
  ["bench/package.json", /^( {2}"version": ")([^"]+)/m],
  ["packages/core/src/streamer.ts", /^(export const VERSION = ")([^"]+)/m],
  ["clients/python/pyproject.toml", /^(version = ")([^"]+)/m],
];

const SEMANTIC = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?$/;

/** Every place, and the version there. */
export function versionsIn(root: string): ReadonlyMap<string, string | undefined> {
  const written = PLACES.flatMap(([glob, place]) =>
    globSync(glob, { cwd: root }).map((path) => [path, place.exec(readFileSync(join(root, path), "utf8"))?.[2]] as const),
  );
  const { version, packages } = readLockfile(root);
  const locked = Object.entries(packages).filter(([path, { link }]) => !path.includes("node_modules") && !link);
  return new Map([
    ...written,
    ["package-lock.json", version],
    ...locked.map(([path, one]) => [`package-lock.json: ${path === "" ? "the root" : path}`, one.version] as const),
  ]);
}

/** Writes it everywhere, and what is unreleased in CHANGELOG.md becomes its section. */
export function setVersion(root: string, version: string, date: string): void {
  if (!SEMANTIC.test(version)) throw new Error(`${version} is no version such as 1.2.3 or 1.2.3-rc.1.`);
  const changelog = join(root, "CHANGELOG.md");
  writeFileSync(changelog, released(readFileSync(changelog, "utf8"), version, date));
  for (const [glob, place] of PLACES)
    for (const path of globSync(glob, { cwd: root })) {
      const text = readFileSync(join(root, path), "utf8");
      writeFileSync(join(root, path), text.replace(place, `$1${version}`));
    }
  const lockfile = readLockfile(root);
  lockfile.version = version;
  for (const [path, one] of Object.entries(lockfile.packages)) if (!path.includes("node_modules") && !one.link) one.version = version;
  writeFileSync(join(root, "package-lock.json"), `${JSON.stringify(lockfile, undefined, 2)}\n`);
}

/** What npm installs when nobody names a version: no release candidate. */
export const distTagOf = (version: string): "latest" | "next" => (SEMANTIC.exec(version)?.[4] === undefined ? "latest" : "next");

const readLockfile = (root: string): Lockfile => JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lockfile;
