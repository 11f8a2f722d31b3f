/** What a release may hold and who may make it, and that a version and a scope are changed everywhere. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { released, sectionOf, sectionsOf } from "./changelog.ts";
import { ROOT } from "./manifest.ts";
import { objections, type Circumstances } from "./permission.ts";
import { renameScope } from "./rename-scope.ts";
import { refusals } from "./tarballs.ts";
import { distTagOf, setVersion, versionsIn } from "./version.ts";

function tree(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = mkdtempSync(join(tmpdir(), "streamer-tree-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

describe("the version", () => {
  it("is one, in every place, and the changelog has it", () => {
    const versions = versionsIn(ROOT);
    expect(versions.size).toBeGreaterThan(40);
    expect(new Set(versions.values()).size).toBe(1);
    expect(sectionOf(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"), versions.get("package.json")!)?.text).toBeTruthy();
  });

  it("is set in all of them at once, with what was unreleased", () => {
    const manifest = JSON.stringify({ name: "a", version: "0.1.0" }, undefined, 2);
    const lockfile = {
      version: "0.1.0",
      packages: {
        "": { version: "0.1.0" },
        "packages/a": { version: "0.1.0" },
        "node_modules/ws": { version: "0.1.0" },
        "node_modules/a": { link: true },
      },
    };
    const root = tree({
      "package.json": manifest,
      "packages/a/package.json": manifest,
      "packages/core/src/streamer.ts": 'export const VERSION = "0.1.0";\n',
      "clients/python/pyproject.toml": 'name = "a"\nversion = "0.1.0"\n',
      "package-lock.json": JSON.stringify(lockfile),
      "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n- Faster.\n\n## 0.1.0\n\nFirst.\n",
    });
    setVersion(root, "0.2.0", "2027-01-31");
    const versions = versionsIn(root);
    expect([...versions.values()]).toEqual(Array.from(versions, () => "0.2.0"));
    expect(versions.size).toBe(7);
    expect(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"))).toMatchObject({
      packages: { "node_modules/ws": { version: "0.1.0" } },
    });
    expect(sectionsOf(readFileSync(join(root, "CHANGELOG.md"), "utf8"))).toEqual([
      { title: "Unreleased", text: "" },
      { title: "0.2.0 (2027-01-31)", text: "- Faster." },
      { title: "0.1.0", text: "First." },
    ]);
    expect(() => setVersion(root, "0.3", "2027-01-31")).toThrow("0.3 is no version");
    expect(() => setVersion(root, "0.3.0", "2027-01-31")).toThrow('Nothing is written under "Unreleased"');
  });

  it("is not given twice, and is found with and without its date", () => {
    const changelog = "## Unreleased\n\n- More.\n\n## 1.2.3 (2027-01-31)\n\n- This.\n\n## 1.2.30\n";
    expect(() => released(changelog, "1.2.3", "2027-02-01")).toThrow("has a section 1.2.3 already");
    expect(sectionOf(changelog, "1.2.3")?.text).toBe("- This.");
    expect(sectionOf(changelog, "1.2")).toBeUndefined();
  });

  it("is not what everybody gets while it is a candidate", () => {
    expect([distTagOf("1.0.0"), distTagOf("1.0.0-rc.1")]).toEqual(["latest", "next"]);
  });
});

describe("who may publish", () => {
  const allowed: Circumstances = {
    environment: { GITHUB_ACTIONS: "true", ACTIONS_ID_TOKEN_REQUEST_URL: "https://token.example", GITHUB_REF: "refs/tags/v1.2.3" },
    version: "1.2.3",
    uncommitted: "",
    repository: "git+https://git.example/streamer.git",
    isInChangelog: true,
  };

  it("is the CI run of the version's tag", () => {
    expect(objections(allowed)).toEqual([]);
  });

  it.each<readonly [string, Partial<Circumstances>]>([
    ["The tree is dirty: 2 changes are not committed (M a.ts)", { uncommitted: " M a.ts\n?? b.ts" }],
    ["This is no CI run that the registry can trust", { environment: {} }],
    ["This is no CI run that the registry can trust", { environment: { ...allowed.environment, ACTIONS_ID_TOKEN_REQUEST_URL: undefined } }],
    ["This run is of refs/heads/main", { environment: { ...allowed.environment, GITHUB_REF: "refs/heads/main" } }],
    ['package.json names no "repository"', { repository: undefined }],
    ["CHANGELOG.md has no section 1.2.3", { isInChangelog: false }],
  ])("%s: nobody", (objection, change) => {
    expect(objections({ ...allowed, ...change })).toEqual([expect.stringContaining(objection)]);
  });

  it("and says so before it builds anything", () => {
    const env = { ...process.env, GITHUB_ACTIONS: "", ACTIONS_ID_TOKEN_REQUEST_URL: "" };
    const run = () => execFileSync(process.execPath, [join(import.meta.dirname, "release.ts")], { env, encoding: "utf8", stdio: "pipe" });
    expect(run).toThrow(/Nothing is published\.\n[^]*This is no CI run that the registry can trust/);
  });
});

describe("what is packed", () => {
  const found = (path: string, text = ""): readonly string[] => refusals([path], () => text);

  it.each([
    ["dist/a.test.js", "", "a test"],
    ["sources/packages/a/test/start.ts", "", "a test"],
    [".env.local", "", "what may hold a secret"],
    ["dist/server.pem", "", "what may hold a secret"],
    ["dist/a.js", `const key = "-----BEGIN PRIVATE KEY-----\\n${"MIGH".repeat(12)}`, "a private key"],
    ["dist/a.js", `AKIA${"A1".repeat(8)}`, "an AWS access key"],
    ["dist/a.js", `//registry/:_authToken=npm_${"a1".repeat(18)}`, "a token of npm"],
    ["dist/a.js", `eyJ${"a".repeat(20)}.eyJ${"b".repeat(20)}.${"c".repeat(20)}`, "a JWT"],
    ["dist/a.js.map", '{"sources":["/home/anna/streamer/a.ts"]}', "a path of somebody's machine"],
    ["dist/a.js.map", `{"sources":["${ROOT}/packages/a.ts"]}`, "names a path of this machine"],
  ])("has no %s", (path, text, what) => {
    expect(found(path, text)).toEqual(expect.arrayContaining([expect.stringContaining(what)]));
  });

  it("has the tests of a project that it gives to others, and no secret of that", () => {
    expect(found("templates/app/test/app.test.ts")).toEqual([]);
    expect(found("templates/app/.env")).toEqual(["templates/app/.env is what may hold a secret."]);
  });

  it("may speak of all that", () => {
    const text = 'pem.startsWith("-----BEGIN PRIVATE KEY-----"); "/v1/home/"; import "./contest.js"; // latest, tests';
    expect(found("dist/contest/latest.js", text)).toEqual([]);
  });
});

describe("the scope", () => {
  const git = (root: string, ...args: readonly string[]) => execFileSync("git", args, { cwd: root, stdio: "pipe" });

  it("is renamed in every text that git has, and nowhere else", () => {
    const binary = Buffer.from(`@streamer/a\0`);
    const root = tree({
      "package.json": '{"name":"@streamer/a","dependencies":{"@streamer/b":"*"}}',
      "src/deep/a.ts": 'import { b } from "@streamer/b/entry";\nconst linted = /^@streamer\\/b$/, address = "npm/%40streamer/b";\n',
      "README.md": "npm install @streamer/a\nThe word streamer, and @streamers/c, stay.\n",
      "picture.png": binary,
      "notes.txt": "@streamer/a",
    });
    git(root, "init", "--quiet");
    git(root, "add", "package.json", "src", "README.md", "picture.png");
    expect(renameScope(root, "@streamer", "@other-name").toSorted()).toEqual(["README.md", "package.json", "src/deep/a.ts"]);
    const read = (path: string): string => readFileSync(join(root, path), "utf8");
    expect(read("package.json")).toBe('{"name":"@other-name/a","dependencies":{"@other-name/b":"*"}}');
    expect(read("src/deep/a.ts")).toBe(
      'import { b } from "@other-name/b/entry";\nconst linted = /^@other-name\\/b$/, address = "npm/%40other-name/b";\n',
    );
    expect(read("README.md")).toBe("npm install @other-name/a\nThe word streamer, and @streamers/c, stay.\n");
    expect(readFileSync(join(root, "picture.png"))).toEqual(binary);
    expect(read("notes.txt")).toBe("@streamer/a");
  });

  it("is one that npm takes, and another", () => {
    expect(() => renameScope(ROOT, "@streamer", "other")).toThrow("other is no scope");
    expect(() => renameScope(ROOT, "@streamer", "@Other")).toThrow("@Other is no scope");
    expect(() => renameScope(ROOT, "@streamer", "@streamer")).toThrow("already");
  });
});
