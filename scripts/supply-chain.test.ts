/** What is installed: no version that is known to be unsafe, nothing that runs unasked, and a list of all of it. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  /** It comes within another package, and is under that one's checksum. */
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
}
const { packages } = JSON.parse(read("package-lock.json")) as { readonly packages: Readonly<Record<string, Locked>> };
const installed = Object.entries(packages).flatMap(([path, locked]) => {
  const name = path.split("node_modules/").at(-1)!;
  return path.includes("node_modules/") && !locked.link ? [{ path, name, ...locked }] : [];
});

/** In any place of the lockfile. What a server runs on besides is asked at its start (embedded/server/runtime.ts). */
const MINIMUM_VERSIONS: readonly (readonly [name: string, minimum: string, why: string])[] = [
  ["node", "24.13.0", "the Node that everything is run and tested with, see above"],
  ["ws", "8.17.1", "a request with many headers could crash the server (CVE-2024-37890)"],
  ["jose", "4.15.5", "an encrypted token could be unpacked without end (CVE-2024-28176)"],
  ["@duckdb/node-api", "1.4.0", "1.3.3 was published by who had stolen the account (CVE-2025-59037)"],
  ["undici", "7.18.0", "an answer to fetch could be unpacked without end (CVE-2026-22036)"],
];

const numbers = (version: string): readonly number[] => version.split(/[-+]/)[0]!.split(".").map(Number);
const isOlder = (version: string, minimum: string): boolean => {
  const [given, least] = [numbers(version), numbers(minimum)];
  const at = least.findIndex((part, index) => given[index] !== part);
  return at !== -1 && given[at]! < least[at]!;
};

describe("the supply chain", () => {
  it.each(MINIMUM_VERSIONS)("%s is %s at least, and docs/security.md says why", (name, minimum, why) => {
    const versions = installed.filter((one) => one.name === name).map(({ version = "" }) => version);
    expect(versions.filter((version) => isOlder(version, minimum))).toEqual([]);
    expect(read("docs/security.md")).toContain(`| \`${name}\` | ${minimum} | the lockfile | ${why} |`);
  });

  it("nothing runs at installation but what the list says, and npm holds to it", () => {
    const { allowScripts } = JSON.parse(read("package.json")) as { readonly allowScripts: Readonly<Record<string, boolean>> };
    const wanting = installed.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
    expect(Object.keys(allowScripts).toSorted()).toEqual([...new Set(wanting)].toSorted());
    expect(allowScripts).toEqual({ esbuild: false, node: true });
    expect(read(".npmrc")).toMatch(/^strict-allow-scripts=true$/m);
  });

  it("a version that has just been published is not taken", () => {
    expect(Number(/^min-release-age=(\d+)$/m.exec(read(".npmrc"))?.[1])).toBeGreaterThanOrEqual(2);
  });

  it("everything in the lockfile has a checksum", () => {
    expect(installed.filter(({ integrity, inBundle = false }) => integrity === undefined && !inBundle)).toEqual([]);
  });

  it("what benchmarks install apart is locked alike, and runs nothing", () => {
    const apart = "bench/peers/programs";
    expect(read(`${apart}/.npmrc`)).toBe(read(".npmrc"));
    const locked = JSON.parse(read(`${apart}/package-lock.json`)) as { readonly packages: Readonly<Record<string, Locked>> };
    const all = Object.entries(locked.packages).filter(([path]) => path !== "");
    expect(all.length).toBeGreaterThan(50);
    expect(all.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
    expect(read(`${apart}/package-lock.json`)).not.toContain('"resolved"');
    const { allowScripts } = JSON.parse(read(`${apart}/package.json`)) as { readonly allowScripts: Readonly<Record<string, boolean>> };
    expect(Object.values(allowScripts)).not.toContain(true);
  });

  it("npm run sbom lists all of it, with checksums, as CycloneDX", () => {
    const text = execFileSync("npm", ["run", "--silent", "sbom"], { cwd: ROOT, encoding: "utf8", maxBuffer: 64 * 1_048_576 });
    const { bomFormat, components } = JSON.parse(text) as {
      readonly bomFormat: string;
      readonly components: readonly { readonly "bom-ref": string; readonly hashes?: readonly unknown[] }[];
    };
    expect(bomFormat).toBe("CycloneDX");
    const listed = new Map(components.map((component) => [component["bom-ref"], component]));
    expect(listed.has(`@streamer/core@${packages["packages/core"]!.version}`)).toBe(true);
    for (const name of ["ws", "jose", "pino", "@duckdb/node-api"])
      expect(listed.get(`${name}@${packages[`node_modules/${name}`]?.version}`)?.hashes).toHaveLength(1);
  });
});
