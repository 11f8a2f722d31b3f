/** What peers need: packages of their own, programs of Debian, and Streamer as it is published. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { owned } from "./children.ts";
import type { Peer } from "./peers.ts";
import { SERVICES } from "./services.ts";

const PROGRAMS = join(import.meta.dirname, "programs");
const BUILT = join(import.meta.dirname, "../../build/peers/node_modules/@streamer");

/** What has to be installed first, in a sentence; undefined when nothing has. */
export function missingPrograms(peers: readonly Peer[]): string | undefined {
  const missing = peers.filter(({ service }) => service && SERVICES[service].version() === undefined);
  if (missing.length === 0) return undefined;
  const names = missing.map(({ name }) => name).join(", ");
  const packages = Array.from(new Set(missing.map(({ service }) => SERVICES[service!].package))).join(" ");
  return `What ${names} stores with is not installed: sudo apt-get install --no-install-recommends ${packages}. Or leave them out, by --peers.`;
}

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}
const manifest = (...folder: readonly string[]): Manifest =>
  JSON.parse(readFileSync(join(PROGRAMS, ...folder, "package.json"), "utf8")) as Manifest;

/** The version that is installed. */
export const packageVersion = (name: string): string => manifest("node_modules", name).version;

const isInstalled = ([name, version]: readonly [string, string]): boolean =>
  existsSync(join(PROGRAMS, "node_modules", name)) && packageVersion(name) === version;

/** Installs what other peers are made of, unless it is there. Nothing of it runs at installation. */
export async function installPackages(peers: readonly Peer[]): Promise<void> {
  if (peers.every(({ packages }) => packages.length === 0) || Object.entries(manifest().dependencies).every(isInstalled)) return;
  const npm = owned(spawn("npm", ["ci", "--ignore-scripts"], { cwd: PROGRAMS, stdio: ["ignore", process.stderr, process.stderr] }));
  const [code] = (await once(npm, "exit")) as [number | null];
  if (code !== 0) throw new Error(`npm ci in ${PROGRAMS} ended with ${code}.`);
}

/** Builds Streamer as it is published, in a folder where its packages find each other. Answers what to import. */
export async function buildStreamer(tell: (text: string) => void): Promise<string> {
  const { buildPackages } = await import("../../scripts/release/build.ts");
  await buildPackages({ names: ["core", "embedded"], into: BUILT, tell });
  return pathToFileURL(join(BUILT, "embedded/dist/index.js")).href;
}
