/** streamer init: what it makes, with this tree in place of what npm would install, and what it refuses. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { whyNoPackageName } from "../src/commands/init.ts";
import { jsonLines, streamer } from "./command.ts";
import { streamerHere } from "./in-process.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly engines?: { readonly node: string };
}

const ROOT = join(import.meta.dirname, "../../..");
const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "streamer-init-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function init(...args: readonly string[]): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
  const running = streamer(["init", ...args], { cwd: home });
  return { exitCode: await running.ended, stdout: running.stdout, stderr: running.stderr };
}

describe("streamer init", () => {
  it("makes an application whose own tests pass", async () => {
    const { exitCode, stdout } = await init("my-app");
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringMatching(/^Made my-app in .*\n {2}cd my-app\n {2}npm install\n {2}npm test\n {2}npm start\n$/),
    ]);
    const folder = join(home, "my-app");
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    const { NODE_OPTIONS: _, ...env } = process.env;
    const args = ["--disable-warning=ExperimentalWarning", "--test", "test/**/*.test.ts"];
    const tested = spawnSync(process.execPath, args, { cwd: folder, env, encoding: "utf8" });
    expect([tested.status, tested.stdout]).toEqual([0, expect.stringMatching(/pass 4\n[^]*fail 0\n/)]);
  });

  it("says as JSON what it made; every file is as it is read by npm, git and Docker, and nothing is left to fill in", async () => {
    const { exitCode, stdout } = await init("my-app", "--name", "@us/our.app", "--json");
    const folder = join(home, "my-app");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    expect(exitCode).toBe(0);
    expect(jsonLines(stdout)).toEqual([
      { type: "outcome", name: "@us/our.app", folder, files: files.map((path) => path.slice(folder.length + 1)).toSorted() },
    ]);
    for (const name of [".gitignore", ".dockerignore", "Dockerfile", "README.md", "package.json", "tsconfig.json"])
      expect(files).toContain(join(folder, name));
    for (const path of files) expect([path, readFileSync(path, "utf8")]).toEqual([path, expect.not.stringContaining("{{")]);
    expect(readFileSync(join(folder, "Dockerfile"), "utf8")).toContain("docker build -t our-app .");
  });

  it("names the versions of this command, and those that everything here is tested with", async () => {
    await init("my-app");
    const made = manifestOf(join(home, "my-app"));
    const cli = manifestOf(join(ROOT, "packages/cli"));
    const root = manifestOf(ROOT);
    const { zod, ...ours } = made.dependencies!;
    expect(Object.values(ours)).toEqual([cli.version, cli.version]);
    const { typescript, "@types/node": types, zod: ourZod } = root.devDependencies!;
    expect([zod, made.devDependencies]).toEqual([ourZod, { "@types/node": types, typescript }]);
  });

  it("leaves a folder that is not empty as it is, and fills one that is, or that is a new repository", async () => {
    mkdirSync(join(home, "taken"));
    writeFileSync(join(home, "taken/notes.txt"), "mine");
    const refused = await init("taken", "--json");
    expect([refused.exitCode, refused.stdout]).toEqual([1, ""]);
    expect(jsonLines(refused.stderr)).toMatchObject([
      { error: { code: "FOLDER_NOT_EMPTY", message: expect.stringContaining("it has notes.txt") as string } },
    ]);
    expect(readdirSync(join(home, "taken"))).toEqual(["notes.txt"]);
    const isFile = await init("taken/notes.txt", "--json");
    expect(jsonLines(isFile.stderr)).toMatchObject([{ error: { code: "NOT_A_FOLDER" } }]);
    mkdirSync(join(home, "cloned/.git"), { recursive: true });
    expect((await init("cloned")).exitCode).toBe(0);
  });

  it("refuses what npm would not take as a name, by that name, before anything is made", async () => {
    const { exitCode, stderr } = await init("My App");
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/"My App" cannot be the name of an npm package: .*--name/)]);
    expect(readdirSync(home)).toEqual([]);
    for (const name of ["", "a".repeat(215), ".app", "_app", "APP", "fs", "node_modules", "@us/", "@/app", "a/b", "é"])
      expect([name, whyNoPackageName(name)]).toEqual([name, expect.any(String)]);
    for (const name of ["app", "my-app", "my.app2", "@us/app"]) expect(whyNoPackageName(name)).toBeUndefined();
  });

  it("asks for the folder on a terminal, and nobody elsewhere", async () => {
    const { exitCode, stderr } = await init();
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("Which folder? For example: streamer init my-app")]);
    const folder = join(home, "asked-for");
    const ran = streamerHere(["init"], { stdin: `${folder}\n`, columns: 80 });
    expect([await ran.exitCode, ran.stderr]).toEqual([0, "Name of the new folder: "]);
    expect(manifestOf(folder).name).toBe("asked-for");
    const silent = streamerHere(["init"], { stdin: "\n", columns: 80 });
    expect([await silent.exitCode, silent.stdout]).toEqual([3, ""]);
  });

  it("has help with examples", async () => {
    const { exitCode, stdout } = await init("--help");
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("$ streamer init my-app\n")]);
  });
});
