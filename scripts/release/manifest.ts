/** What a published package says of itself: its workspace's package.json, with what is built in place of the sources. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINES, PUBLISHED, type Published } from "./published.ts";

type Exports = Readonly<Record<string, string>>;
type Dependencies = Readonly<Record<string, string>>;

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly exports: Exports;
  readonly bin?: Readonly<Record<string, string>>;
  readonly sideEffects?: boolean | readonly string[];
  readonly dependencies?: Dependencies;
  readonly peerDependencies?: Dependencies;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
  readonly optionalDependencies?: Dependencies;
}

/** Named by the root's package.json once there is one: provenance ties a package to it. */
interface Repository {
  readonly type: string;
  readonly url: string;
}

export const ROOT = join(import.meta.dirname, "../..");

export const readManifest = (folder: string): Manifest => JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Manifest;

const ofPublished = new Map(PUBLISHED.map((published) => [readManifest(published.folder).name, published]));
export const SCOPE = readManifest(PUBLISHED[0]!.folder).name.split("/")[0]!;

const isPublished = (name: string): boolean => ofPublished.has(name);
const isOurs = (name: string): boolean => name.startsWith(`${SCOPE}/`);

/** Every workspace of the scope, by name. */
export const folderOf = (name: string): string => {
  const folder = ["packages", "apps", "tools"]
    .map((parent) => join(parent, name.slice(SCOPE.length + 1)))
    .find((path) => {
      try {
        return readManifest(path).name === name;
      } catch {
        return false;
      }
    });
  if (folder === undefined) throw new Error(`${name} is no workspace.`);
  return folder;
};

/** Private workspaces whose code is built into it. */
export function builtIn({ folder, more = {}, without = [] }: Published): readonly string[] {
  const found = new Set<string>();
  const look = (path: string): void => {
    for (const name of Object.keys(readManifest(path).dependencies ?? {})) {
      if (!isOurs(name) || isPublished(name) || without.includes(name) || found.has(name)) continue;
      found.add(name);
      look(folderOf(name));
    }
  };
  look(folder);
  for (const source of Object.values(more)) {
    const path = source.split("/").slice(0, 2).join("/");
    found.add(readManifest(path).name);
    look(path);
  }
  return [...found];
}

/** Of its own and of all that is built into it. Versions are exact where ours are; packages of ours are of the same version. */
function dependenciesOf(published: Published, kind: "dependencies" | "optionalDependencies"): Dependencies {
  const own = readManifest(published.folder);
  const leftOut = new Set([...Object.keys(published.peers ?? {}), ...(published.without ?? []), own.name]);
  const all: Record<string, string> = {};
  for (const path of [published.folder, ...builtIn(published).map(folderOf)]) {
    for (const [name, version] of Object.entries(readManifest(path)[kind] ?? {})) {
      if (leftOut.has(name)) continue;
      if (!isOurs(name)) all[name] = version;
      else if (isPublished(name)) all[name] = own.version;
    }
  }
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const built = (source: string, ending: string): string => source.replace(/^\.\/src\//, "./dist/").replace(/\.tsx?$/, ending);
/** Where an entry from another workspace is built to. */
export const placeOfMore = (subpath: string): string => subpath.slice(2);

export function publishedManifest(published: Published): Readonly<Record<string, unknown>> {
  const { name, version, description, license, exports, bin, sideEffects, ...own } = readManifest(published.folder);
  const { repository } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly repository?: Repository };
  const entries = Object.entries(exports).map(([subpath, source]) => [
    subpath,
    { types: built(source, ".d.ts"), default: built(source, ".js") },
  ]);
  const more = Object.keys(published.more ?? {}).map((subpath) => [
    subpath,
    { types: `./dist/${placeOfMore(subpath)}.d.ts`, default: `./dist/${placeOfMore(subpath)}.js` },
  ]);
  const peers = { ...own.peerDependencies, ...published.peers };
  const optional = Object.fromEntries(Object.keys(published.peers ?? {}).map((peer) => [peer, { optional: true }]));
  return {
    name,
    version,
    description,
    license,
    keywords: ["websocket", "durable", "queue", "progress", "jobs"],
    ...(repository && { repository: { ...repository, directory: published.folder } }),
    type: "module",
    sideEffects: sideEffects ?? false,
    engines: ENGINES,
    exports: Object.fromEntries([...entries, ...more, ["./package.json", "./package.json"]]),
    ...(bin && { bin: Object.fromEntries(Object.entries(bin).map(([command, source]) => [command, built(source, ".js")])) }),
    files: ["dist", "sources", ...(published.copies ?? [])],
    dependencies: dependenciesOf(published, "dependencies"),
    ...(Object.keys(peers).length > 0 && {
      peerDependencies: peers,
      peerDependenciesMeta: { ...own.peerDependenciesMeta, ...optional },
    }),
    optionalDependencies: dependenciesOf(published, "optionalDependencies"),
    publishConfig: { access: "public", provenance: true },
  };
}
