/** A file is what it was when it was opened, whatever its name leads to before, meanwhile and afterwards. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { link, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../src/duckdb/database.ts";
import { openDataFile } from "../../src/process-data/ingest/data-files.ts";
import { temporaryFolder } from "./runs.ts";

const TERMS = { maxFileBytes: 1e9 };
const ROUNDS = 1_500;

async function folders() {
  const base = await temporaryFolder();
  const [data, outside, scratchFolder] = [join(base, "data"), join(base, "outside"), join(base, "scratch")];
  for (const folder of [data, join(data, "sub"), outside, scratchFolder]) await mkdir(folder);
  await writeFile(join(outside, "rows.csv"), "a,b\nSECRET,1\n");
  await writeFile(join(data, "sub", "rows.csv"), "a,b\nfine,1\n");
  return { data, outside, scratchFolder };
}

async function textOf(data: string, path: string, scratchFolder: string): Promise<string> {
  try {
    await using file = await openDataFile(data, { path }, { ...TERMS, scratchFolder });
    return await readFile(file.path, "utf8");
  } catch (error) {
    if ((error as { code?: unknown }).code === "VALIDATION_ERROR") return "refused";
    throw error;
  }
}

/** Changes what names lead to as fast as it can, in a process of its own. */
const SWAPS: Readonly<Record<string, string>> = {
  "a file and a link that leads outside": `
    fs.rmSync("target.csv", { force: true }); fs.writeFileSync("target.csv", "a,b\\nfine,1\\n");
    fs.rmSync("target.csv", { force: true }); fs.symlinkSync("../outside/rows.csv", "target.csv");`,
  "a file and a hard link to one outside": `
    fs.rmSync("target.csv", { force: true }); fs.writeFileSync("target.csv", "a,b\\nfine,1\\n");
    fs.rmSync("target.csv", { force: true }); fs.linkSync("../outside/rows.csv", "target.csv");`,
  "a folder and a link to one outside": `
    fs.rmSync("swap", { force: true }); fs.symlinkSync("sub", "swap");
    fs.rmSync("swap", { force: true }); fs.symlinkSync("../outside", "swap");`,
};

describe("a file whose name changes hands", () => {
  it.each(Object.entries(SWAPS))("%s", async (what, swap) => {
    const { data, scratchFolder } = await folders();
    const attacker = spawn(process.execPath, ["-e", `for (;;) try {${swap}} catch {}`], { cwd: data, stdio: "ignore" });
    const outcomes = { read: 0, refused: 0 };
    try {
      await once(attacker, "spawn");
      for (let round = 0; round < ROUNDS; round += 1) {
        const path = what.includes("folder") ? "swap/rows.csv" : "target.csv";
        const text = await textOf(data, path, scratchFolder);
        expect(text).not.toContain("SECRET");
        outcomes[text === "refused" ? "refused" : "read"] += 1;
      }
    } finally {
      attacker.kill("SIGKILL");
      await once(attacker, "close");
    }
    // Both sides of the race were seen.
    expect(Math.min(outcomes.read, outcomes.refused)).toBeGreaterThan(0);
    expect(await readdir(scratchFolder)).toEqual([]);
  });

  it("is read by DuckDB as it was opened, when its name leads elsewhere by then", async () => {
    const { data, outside, scratchFolder } = await folders();
    const path = join(data, "sub", "rows.csv");
    await using file = await openDataFile(data, { path: "sub/rows.csv" }, { ...TERMS, scratchFolder });
    await using database = await openDatabase({ dataFolder: data, scratchFolder, signal: new AbortController().signal });
    const read = (): Promise<unknown> => database.rows(`SELECT a FROM read_csv('${file.path}')`);
    expect(await read()).toEqual([{ a: "fine" }]);
    await rm(path);
    await symlink(join(outside, "rows.csv"), path);
    expect(await read()).toEqual([{ a: "fine" }]);
    // Nothing but the opened file is reached by that name.
    await expect(database.rows(`SELECT * FROM read_csv('${path}')`)).rejects.toThrow(/Permission Error/);
  });

  it("is refused by DuckDB where it was moved away after it was opened", async () => {
    const { data, outside, scratchFolder } = await folders();
    await using file = await openDataFile(data, { path: "sub/rows.csv" }, { ...TERMS, scratchFolder });
    await rename(join(data, "sub", "rows.csv"), join(outside, "moved.csv"));
    await using database = await openDatabase({ dataFolder: data, scratchFolder, signal: new AbortController().signal });
    await expect(database.rows(`SELECT a FROM read_csv('${file.path}')`)).rejects.toThrow(/Permission Error/);
  });

  it("is refused where it was moved out of, deleted, or is no file", async () => {
    const { data, outside, scratchFolder } = await folders();
    const refused = (path: string) =>
      expect(openDataFile(data, { path }, { ...TERMS, scratchFolder })).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
    await symlink("/dev/zero", join(data, "zero.csv"));
    await mkdir(join(data, "folder.csv"));
    await link(join(data, "sub", "rows.csv"), join(data, "twice.csv"));
    const fifo = spawn("mkfifo", [join(data, "pipe.csv")]);
    await once(fifo, "close");
    for (const path of ["zero.csv", "folder.csv", "twice.csv", "sub/rows.csv", "pipe.csv"]) await refused(path);
    await rename(join(data, "sub"), join(outside, "sub"));
    await symlink(join(outside, "sub"), join(data, "sub"));
    await refused("sub/rows.csv");
  });
});
