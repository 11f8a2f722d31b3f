/**
 * `npm run release`: builds, checks and packs what is published, and publishes it from CI. The order is the safety: nothing
 * is published before everything was built, looked into and found well, and nothing at all unless `permission.ts` has no
 * objection.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildPackages } from "./build.ts";
import { sectionOf } from "./changelog.ts";
import { ROOT } from "./manifest.ts";
import { materialsOf } from "./materials.ts";
import { objections } from "./permission.ts";
import { pack, problemsOf, type Tarball } from "./tarballs.ts";
import { distTagOf, setVersion, versionsIn } from "./version.ts";

const RELEASE = join(ROOT, "build/release");

const HELP = `npm run release -- [--dry-run | --version VERSION | --help]

  --dry-run          builds, checks and packs everything into build/release, and publishes nothing
  --version VERSION  writes VERSION everywhere and gives it what is unreleased in CHANGELOG.md; commit that
  (none)             the same as --dry-run, then publishes: only in CI, for the tag of the version

build/release has the tarballs, SHA256SUMS, sbom.json (CycloneDX) and NOTES.md, the version's section of CHANGELOG.md.
To release: npm run release -- --version 1.2.3, commit, tag v1.2.3, push both. .github/workflows/release.yml does the rest.
`;

const git = (...args: readonly string[]): string => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trimEnd();
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const kib = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} KiB`;

/** The version of the tree, which all parts of it agree on. */
function versionOfAll(): string {
  const versions = versionsIn(ROOT);
  const version = versions.get("package.json")!;
  const others = [...versions].filter(([, one]) => one !== version).map(([place, one]) => `${place} (${one ?? "none"})`);
  if (others.length > 0)
    throw new Error(`Not everything is of version ${version}: ${others.join(", ")}. npm run release -- --version sets all.`);
  return version;
}

/** The time of the commit, so that two runs of it make the same. */
const committedAt = (): string => new Date(git("log", "-1", "--format=%cI")).toISOString();

/** Into build/release. Throws with all that is wrong. */
async function makeRelease(tell: (text: string) => void): Promise<readonly Tarball[]> {
  const version = versionOfAll();
  const notes = sectionOf(read("CHANGELOG.md"), version);
  if (!notes) throw new Error(`CHANGELOG.md has no section ${version}.`);
  rmSync(RELEASE, { recursive: true, force: true });
  mkdirSync(RELEASE, { recursive: true });
  const folders = await buildPackages({ tell });
  const tarballs = folders.map((folder) => pack(folder, RELEASE));
  const problems: string[] = [];
  for (const tarball of tarballs) {
    const found = await problemsOf(tarball, RELEASE);
    problems.push(...found.map((problem) => `${tarball.name}: ${problem}`));
    const { file, paths, bytes, unpackedBytes } = tarball;
    tell(`${file}: ${paths.length} files, ${kib(bytes)}, ${kib(unpackedBytes)} unpacked; ${found.length} problems`);
  }
  if (problems.length > 0) throw new Error(`What was packed must not be published:\n${problems.join("\n")}`);
  const sbom = `${JSON.stringify(materialsOf(tarballs, committedAt()), undefined, 2)}\n`;
  writeFileSync(join(RELEASE, "sbom.json"), sbom);
  const sums = [...tarballs, { sha256: createHash("sha256").update(sbom).digest("hex"), file: "sbom.json" }];
  writeFileSync(join(RELEASE, "SHA256SUMS"), sums.map(({ sha256, file }) => `${sha256}  ${file}\n`).join(""));
  writeFileSync(join(RELEASE, "NOTES.md"), `${notes.text}\n`);
  return tarballs;
}

const isPublished = ({ name, version }: Tarball): boolean => {
  try {
    return (
      execFileSync("npm", ["view", `${name}@${version}`, "version", "--json"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }) !== ""
    );
  } catch {
    return false;
  }
};

/** In order: what a package needs is there before it. A run that was cut off goes on where it was. */
function publish(tarballs: readonly Tarball[], tell: (text: string) => void): void {
  for (const tarball of tarballs) {
    if (isPublished(tarball)) {
      tell(`${tarball.name}@${tarball.version} is published already.`);
      continue;
    }
    const args = ["publish", join(RELEASE, tarball.file), "--provenance", "--access", "public", "--tag", distTagOf(tarball.version)];
    execFileSync("npm", args, { stdio: "inherit" });
    tell(`${tarball.name}@${tarball.version} is published.`);
  }
}

function whyNotPublish(): readonly string[] {
  const version = versionOfAll();
  const { repository } = JSON.parse(read("package.json")) as { readonly repository?: { readonly url: string } };
  return objections({
    environment: process.env,
    version,
    uncommitted: git("status", "--porcelain"),
    repository: repository?.url,
    isInChangelog: sectionOf(read("CHANGELOG.md"), version) !== undefined,
  });
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { "dry-run": { type: "boolean" }, version: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (values.version !== undefined) {
    setVersion(ROOT, values.version, new Date().toISOString().slice(0, 10));
    console.log(`Everything is of version ${values.version}. Look at CHANGELOG.md, commit, and tag the commit v${values.version}.`);
    return 0;
  }
  // Asked first: whoever may not publish need not wait to hear it.
  const against = values["dry-run"] ? [] : whyNotPublish();
  if (against.length > 0) {
    console.error(["Nothing is published.", ...against, "npm run release -- --dry-run makes everything but that."].join("\n"));
    return 1;
  }
  const tarballs = await makeRelease(console.log);
  process.stdout.write(read("build/release/SHA256SUMS"));
  if (!values["dry-run"]) publish(tarballs, console.log);
  return 0;
}

if (import.meta.main)
  process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
    console.error(error.message);
    return 1;
  });
