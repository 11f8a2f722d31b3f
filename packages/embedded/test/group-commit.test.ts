import { DatabaseSync } from "node:sqlite";
import { isStreamerError } from "@streamer/core";
import { beforeEach, describe, expect, it } from "vitest";
import { createGroupCommit, type GroupCommit } from "../src/sqlite/group-commit.ts";
import { createDamage } from "../src/sqlite/damage.ts";
import { createUndoLog } from "../src/sqlite/undo-log.ts";
import { silent } from "./harness.ts";

let db: DatabaseSync;
let commits: GroupCommit;
/** What memory holds of the table. */
let mirror: string[];
let memory: ReturnType<typeof createUndoLog>;
const put = (value: string) => () => {
  mirror.push(value);
  memory.note(() => void mirror.pop());
  db.prepare("INSERT INTO notes VALUES (?)").run(value);
  return value;
};
const notes = (): unknown[] =>
  db
    .prepare("SELECT text FROM notes ORDER BY rowid")
    .all()
    .map((row) => row["text"]);

beforeEach(() => {
  db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE notes (text TEXT NOT NULL) STRICT");
  mirror = [];
  memory = createUndoLog();
  commits = createGroupCommit(db, memory, createDamage(silent));
});

describe("group commit", () => {
  it("runs the writes of one turn in one transaction, and resolves in order", async () => {
    const inTransaction: boolean[] = [];
    const order: string[] = [];
    const all = ["a", "b", "c"].map((value) =>
      commits
        .write(() => {
          inTransaction.push(db.isTransaction);
          return put(value)();
        })
        .then((result) => order.push(result)),
    );
    expect(notes()).toEqual([]);
    await Promise.all(all);
    expect(inTransaction).toEqual([true, true, true]);
    expect(order).toEqual(["a", "b", "c"]);
    expect(notes()).toEqual(["a", "b", "c"]);
  });

  it("one write that throws leaves nothing behind and harms no other", async () => {
    const bad = commits.write(() => {
      put("half")();
      throw new RangeError("mine");
    });
    const refused = commits.write(() => db.prepare("INSERT INTO notes VALUES (NULL)").run());
    const settled = await Promise.allSettled([commits.write(put("first")), bad, refused, commits.write(put("last"))]);
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    await expect(bad).rejects.toThrow(new RangeError("mine"));
    await expect(refused).rejects.toMatchObject({ code: "STORAGE_ERROR" });
    expect(notes()).toEqual(["first", "last"]);
    expect(mirror).toEqual(["first", "last"]);
  });

  it("when the commit fails every write rejects with STORAGE_ERROR, and none is half visible", async () => {
    db.exec(`
      PRAGMA foreign_keys = ON;
      CREATE TABLE owners (id INTEGER PRIMARY KEY);
      CREATE TABLE owned (owner INTEGER REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED);
    `);
    // The violation is found by COMMIT itself, after every write has succeeded.
    const writes = [commits.write(put("a")), commits.write(() => db.exec("INSERT INTO owned VALUES (1)")), commits.write(put("b"))];
    for (const result of await Promise.allSettled(writes)) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "STORAGE_ERROR" } });
    }
    expect(notes()).toEqual([]);
    expect(mirror).toEqual([]);
    await expect(commits.write(put("after"))).resolves.toBe("after");
  });

  it("a full disk refuses what does not fit, and what fits later is accepted", async () => {
    const pages = db.prepare("PRAGMA page_count").get()!["page_count"] as number;
    db.exec(`PRAGMA max_page_count = ${pages + 1}`);
    const results = await Promise.allSettled([commits.write(put("small")), commits.write(put("x".repeat(100_000)))]);
    const reason: unknown = results[1].status === "rejected" ? results[1].reason : undefined;
    expect(isStreamerError(reason) && reason.code).toBe("STORAGE_ERROR");
    db.exec("PRAGMA max_page_count = 100000");
    await commits.write(put("later"));
    expect(notes().filter((text) => text === "later")).toHaveLength(1);
    expect(notes().some((text) => String(text).startsWith("x"))).toBe(false);
    expect(mirror).toEqual(notes());
  });

  it("a transaction that cannot be rolled back is rolled back before the next", async () => {
    const { exec } = db;
    // As a disk does that fails the commit and what would undo it.
    db.exec("CREATE TABLE owners (id INTEGER PRIMARY KEY); PRAGMA foreign_keys = ON");
    db.exec("CREATE TABLE owned (owner INTEGER REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED)");
    db.exec = (sql) => {
      if (sql === "ROLLBACK") throw new Error("the disk is away");
      exec.call(db, sql);
    };
    const violates = commits.write(() => {
      put("a")();
      exec.call(db, "INSERT INTO owned VALUES (1)");
    });
    await expect(violates).rejects.toBeDefined();
    expect(mirror).toEqual([]);
    await expect(commits.write(put("too early"))).rejects.toThrow("the disk is away");
    expect(mirror).toEqual([]);
    db.exec = exec;
    await expect(commits.write(put("now"))).resolves.toBe("now");
    expect([notes(), mirror]).toEqual([["now"], ["now"]]);
  });

  it("closing commits what waits and refuses what comes later", async () => {
    const waiting = commits.write(put("a"));
    commits.close();
    expect(notes()).toEqual(["a"]);
    await expect(waiting).resolves.toBe("a");
    await expect(commits.write(put("b"))).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  });
});
