import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isInUse, openDatabase } from "../src/sqlite/database.ts";
import { migrate, MIGRATIONS } from "../src/sqlite/schema.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "streamer-database-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the database of a data folder", () => {
  it("keeps its epoch, and numbers each process that opens it", () => {
    const first = openDatabase(folder);
    first.close();
    const second = openDatabase(folder);
    second.close();
    expect(second.epoch).toBe(first.epoch);
    expect(first.epoch).toMatch(/^[0-9a-f]{32}$/);
    expect(second.boot).toBe(first.boot + 1);
  });

  it.skipIf(process.platform === "win32")("P10 is closed to others, also where it was open to them", () => {
    const modeOf = (path: string): number => statSync(path).mode & 0o777;
    const made = join(folder, "new", "data");
    openDatabase(made).close();
    expect(modeOf(made)).toBe(0o700);
    chmodSync(folder, 0o755);
    openDatabase(folder).close();
    expect(modeOf(folder)).toBe(0o700);
  });

  it("P1 commits with an fsync, into a WAL", () => {
    const { db, close } = openDatabase(folder);
    expect(db.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    close();
  });

  it("P3 a second server on the folder is refused, with an error that says what to do", () => {
    expect(isInUse(folder)).toBe(false);
    const { close } = openDatabase(folder);
    expect(() => openDatabase(folder)).toThrow(/in use by another Streamer server\. Stop that one, or give this one a folder of its own/);
    expect(isInUse(folder)).toBe(true);
    close();
    expect(isInUse(folder)).toBe(false);
    openDatabase(folder).close();
  });

  it.each(["streamer.db", "streamer.db-wal", "lock.db"])(
    "says what is around %s that keeps it from being used, and calls it not damaged",
    (name) => {
      openDatabase(folder).close();
      const path = join(folder, name);
      rmSync(path, { force: true });
      mkdirSync(path);
      expect(() => openDatabase(folder)).toThrow(
        expect.objectContaining({ code: "STORAGE_ERROR", message: expect.stringContaining(path.replace(/-wal$/, "")) as string }),
      );
      rmSync(path, { recursive: true });
      openDatabase(folder).close();
    },
  );

  it("P3 the folder is free as soon as its server is killed", async () => {
    const source = `import { isInUse, openDatabase } from ${JSON.stringify(new URL("../src/sqlite/database.ts", import.meta.url).href)};
      globalThis.kept = openDatabase(process.argv[1]); console.log("open"); setInterval(() => {}, 1_000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", source, folder], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    expect(() => openDatabase(folder)).toThrow(/in use/);
    child.kill("SIGKILL");
    await once(child, "exit");
    openDatabase(folder).close();
  });

  it("can be read from outside while the server runs, as backups do", () => {
    const { close } = openDatabase(folder);
    const reader = new DatabaseSync(join(folder, "streamer.db"), { readOnly: true });
    expect(reader.prepare("SELECT count(*) AS count FROM requests").get()).toEqual({ count: 0 });
    reader.close();
    close();
  });
});

describe("migrations", () => {
  const versionOf = (db: DatabaseSync): unknown => db.prepare("PRAGMA user_version").get()!["user_version"];

  it("apply each once, in order, and go on where they stopped", () => {
    const db = new DatabaseSync(":memory:");
    migrate(db, ["CREATE TABLE a (x)"]);
    migrate(db, ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y"]);
    migrate(db, ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y"]);
    expect(versionOf(db)).toBe(2);
    db.exec("INSERT INTO a (x, y) VALUES (1, 2)");
  });

  it("that fail leave the database as it was", () => {
    const db = new DatabaseSync(":memory:");
    expect(() => migrate(db, ["CREATE TABLE a (x)", "CREATE TABLE b (x); SELECT nonsense"])).toThrow(/nonsense/);
    expect(versionOf(db)).toBe(1);
    expect(
      db
        .prepare("SELECT name FROM sqlite_schema")
        .all()
        .map((row) => row["name"]),
    ).toEqual(["a"]);
  });

  it("keep the run times that were recorded by size alone", () => {
    const db = new DatabaseSync(":memory:");
    migrate(db, MIGRATIONS.slice(0, 3));
    db.exec("INSERT INTO run_times (action, size, durations) VALUES ('work', 3, '[7]'), ('work', 12, '[8]')");
    migrate(db);
    expect(db.prepare("SELECT series, durations FROM run_times ORDER BY series").all()).toEqual([
      { series: "size_12", durations: "[8]" },
      { series: "size_3", durations: "[7]" },
    ]);
  });

  it("refuse a database of a newer Streamer", () => {
    const { db, close } = openDatabase(folder);
    db.exec("PRAGMA user_version = 999");
    close();
    expect(() => openDatabase(folder)).toThrow(/newer Streamer \(schema 999.*Upgrade Streamer/);
    // The refusal has let go of the folder.
    expect(() => openDatabase(folder)).toThrow(/newer/);
  });
});
