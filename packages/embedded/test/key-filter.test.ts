import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StatementSync } from "node:sqlite";
import { expect, it, vi } from "vitest";
import { createManualClock } from "@streamer/contract";
import { openDatabase } from "../src/sqlite/database.ts";
import { createKeyFilter } from "../src/requests/key-filter.ts";
import { silent } from "./harness.ts";

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

it("P4 knows every key there was and came, after as many turns as they take, and seldom takes another for one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "key-filter-"));
  const database = openDatabase(folder);
  try {
    const count = 5_000;
    const insert = database.db.prepare(`INSERT INTO requests (key, request_id, tenant, user, action, priority, max_attempts, timeout_ms,
      retention_ms, created_at, run_at, status) VALUES (?, 'r', 't', 'u', 'a', 5, 3, 1000, 1000, 0, 0, 'COMPLETED')`);
    database.db.exec("BEGIN");
    for (let n = 0; n < count; n += 1) insert.run(`t/u/${n}`);
    database.db.exec("COMMIT");
    const filter = createKeyFilter({ db: database.db, clock: createManualClock(), log: silent });
    expect(filter.mayHave("t/u/never"), "nothing is ruled out before all is known").toBe(true);
    for (let turns = 0; turns < 50; turns += 1) await turn();
    filter.add("t/u/new");
    const stored = [...Array.from({ length: count }, (_, n) => `t/u/${n}`), "t/u/new"];
    expect(stored.filter((key) => !filter.mayHave(key))).toEqual([]);
    const others = Array.from({ length: 10_000 }, (_, n) => `t/v/${n}`);
    expect(others.filter((key) => filter.mayHave(key)).length).toBeLessThan(50);
    filter.close();
  } finally {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

it("a disk that cannot be read for a moment rules nothing out, ends nobody, and is read again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "key-filter-"));
  const database = openDatabase(folder);
  const clock = createManualClock();
  let isBroken = true;
  const { all } = StatementSync.prototype;
  const failing = vi.spyOn(StatementSync.prototype, "all").mockImplementation(function (this: StatementSync, ...values) {
    if (isBroken) throw new Error("disk I/O error");
    return Reflect.apply(all, this, values);
  });
  try {
    const filter = createKeyFilter({ db: database.db, clock, log: silent });
    await clock.advance(100);
    expect(filter.mayHave("t/u/never")).toBe(true);
    isBroken = false;
    await clock.advance(60_000);
    expect(filter.mayHave("t/u/never")).toBe(false);
    filter.close();
  } finally {
    failing.mockRestore();
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
