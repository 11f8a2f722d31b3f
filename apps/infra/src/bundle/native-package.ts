/**
 * DuckDB's binary for the architecture the function runs on. npm installs the one of the machine it runs on; for
 * another the same version is fetched once with `npm pack`, which npm checks against the lockfile's integrity here,
 * and kept in a cache folder, so that every later synthesis works offline.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ArchitectureName } from "../functions.ts";
import { manifestOf, packageFolder } from "./installed-packages.ts";

/** Loads `@duckdb/node-bindings-{platform}`, of exactly its own version. */
const BINDINGS = "@duckdb/node-bindings";
/** Lambda's Node runtimes are Amazon Linux, with glibc. */
const PLATFORMS: Readonly<Record<ArchitectureName, string>> = { arm64: "linux-arm64", x86_64: "linux-x64" };

export interface NativePackage {
  readonly architecture: ArchitectureName;
  /** Where handlers' packages are found from. */
  readonly folder: string;
  readonly assetFolder: string;
  readonly cacheFolder: string;
}

/** Puts the binary into the asset; does nothing when the asset has no DuckDB. */
export function addNativePackage({ architecture, folder, assetFolder, cacheFolder }: NativePackage): void {
  if (!existsSync(join(assetFolder, "node_modules", BINDINGS))) return;
  const { version, optionalDependencies = {} } = manifestOf(join(assetFolder, "node_modules", BINDINGS));
  const name = `${BINDINGS}-${PLATFORMS[architecture]}`;
  if (optionalDependencies[name] !== version)
    throw new Error(`${BINDINGS} ${version} comes with ${name} ${optionalDependencies[name] ?? "nowhere"}, not with its own version.`);
  const installed = packageFolder(name, folder);
  const source =
    installed !== undefined && manifestOf(installed).version === version ? installed : fetched(name, version, folder, cacheFolder);
  cpSync(source, join(assetFolder, "node_modules", name), { recursive: true, dereference: true });
}

function fetched(name: string, version: string, folder: string, cacheFolder: string): string {
  const kept = join(cacheFolder, `${name.replace("/", "-")}-${version}`);
  if (existsSync(kept)) return kept;
  mkdirSync(cacheFolder, { recursive: true });
  // Unpacked beside its place and moved there, so that a broken download is never taken for a package.
  const temporary = mkdtempSync(join(cacheFolder, "fetch-"));
  try {
    const archive = join(temporary, pack(name, version, temporary));
    checkIntegrity(archive, name, lockedIntegrity(name, version, folder));
    execFileSync("tar", ["-xzf", archive, "-C", temporary]);
    renameSync(join(temporary, "package"), kept);
    return kept;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function pack(name: string, version: string, folder: string): string {
  try {
    const output = execFileSync("npm", ["pack", `${name}@${version}`, "--json", "--pack-destination", folder], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      // npm fills its own settings into the environment of scripts; a workspace given there would be packed instead.
      env: { ...process.env, npm_config_workspace: "", npm_config_workspaces: "" },
    });
    return packedFile(JSON.parse(output));
  } catch (error) {
    const { stderr = "" } = error as { readonly stderr?: string };
    throw new Error(
      `${name}@${version} could not be fetched: ${stderr.trim().split("\n").at(0) || String(error)}. ` +
        "It is the binary for another architecture than this machine's, and is needed once: run this again with access to the " +
        "npm registry, or synthesise for this machine's architecture (-c arch=arm64 or -c arch=x86_64).",
      { cause: error },
    );
  }
}

/** npm 11 answers a list, npm 12 an object by name. */
function packedFile(output: unknown): string {
  const [packed] = Object.values(output as Record<string, { readonly filename: string }>);
  if (packed === undefined) throw new Error("npm pack named no file.");
  return packed.filename;
}

function lockedIntegrity(name: string, version: string, folder: string): string | undefined {
  for (let at = folder; dirname(at) !== at; at = dirname(at)) {
    const path = join(at, "package-lock.json");
    if (!existsSync(path)) continue;
    const { packages } = JSON.parse(readFileSync(path, "utf8")) as Lockfile;
    const locked = packages[`node_modules/${name}`];
    return locked?.version === version ? locked.integrity : undefined;
  }
  return undefined;
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string } | undefined>>;
}

/** A lockfile that does not know the package has nothing to check: npm has then compared with the registry's own value. */
function checkIntegrity(archive: string, name: string, integrity: string | undefined): void {
  if (integrity === undefined) return;
  const actual = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (actual !== integrity) throw new Error(`${name} as fetched is not what package-lock.json names: ${actual} instead of ${integrity}.`);
}
