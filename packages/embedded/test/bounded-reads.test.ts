/** No read holds the loop for longer because there is more in the store (P11, P12). */
import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock } from "@streamer/contract";
import { ALICE, BOB, COMPLETED, FAILED, running, submission } from "@streamer/contract/samples";
import type { ListQuery, RequestRecord } from "@streamer/core";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createEmbeddedEngine, type EmbeddedEngine } from "../src/engine.ts";
import { openDatabase, type Database } from "../src/sqlite/database.ts";
import { silent } from "./harness.ts";

let folder: string;
let database: Database;
let engine: EmbeddedEngine;
/** Every statement that the engine has prepared. */
let statements: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "streamer-reads-"));
  database = openDatabase(folder);
  statements = [];
  const { prepare } = DatabaseSync.prototype;
  vi.spyOn(DatabaseSync.prototype, "prepare").mockImplementation(function (this: DatabaseSync, sql): StatementSync {
    statements.push(sql);
    return Reflect.apply(prepare, this, [sql]);
  });
  engine = await createEmbeddedEngine({
    database,
    dataFolder: folder,
    clock: createManualClock(),
    log: silent,
    publicUrl: () => "",
    onRunnable: () => {},
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  engine.close();
  rmSync(folder, { recursive: true });
});

it("no statement reads a whole table, but those that at start find what is live, what is stored, and the newest row", () => {
  const scans = statements
    .filter((sql) => !/^(BEGIN|COMMIT|SAVEPOINT|RELEASE|ROLLBACK|PRAGMA)/.test(sql))
    .flatMap((sql) => {
      const plan = database.db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
      return plan.filter(({ detail }) => detail.startsWith("SCAN")).map(({ detail }) => `${detail}: ${sql.trim().slice(0, 60)}`);
    });
  expect(statements.length).toBeGreaterThan(20);
  const newest = "SCAN requests: SELECT created_at FROM requests ORDER BY id DESC LIMIT 1";
  const live = expect.stringContaining("SCAN requests USING INDEX live: SELECT id, action, tenant") as string;
  const stored = expect.stringMatching(/^SCAN requests USING INDEX by_user: SELECT tenant, user, sum\(bytes\)/) as string;
  expect(scans).toEqual([newest, live, stored]);
});

it("prepares no statement while it works", async () => {
  await running(engine, "r1");
  const { lease } = await running(engine, "r2");
  await engine.requests.settle(lease, COMPLETED);
  const before = statements.length;
  await engine.requests.settle((await running(engine, "r3")).lease, FAILED);
  for (const status of [undefined, "FAILED"] as const) {
    await engine.requests.list({ ...ALICE, limit: 10, ...(status && { status }) });
    await engine.requests.list({ ...ALICE, limit: 10, action: "work", ...(status && { status }) });
  }
  await engine.requests.get(submission("r1").key);
  await engine.requests.purge(10, async () => {});
  expect(statements.slice(before)).toEqual([]);
});

/** Rows as `submit` writes them, many at once. */
function fill(count: number, owner = ALICE): void {
  database.db.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO requests (key, request_id, tenant, user, action, priority, max_attempts, timeout_ms, retention_ms, created_at, run_at, status)
    SELECT '${owner.userId}' || i, i, '${owner.tenantId}', '${owner.userId}', 'work', 5, 3, 1, 1, i, i, 'PENDING' FROM n;
    INSERT OR IGNORE INTO inputs SELECT id, '{}', '{}', '[]', checksum(id, '{}', '[]'), checksum(id, '{}') FROM requests;
  `);
}

it("a list with a rare filter looks at a thousand requests an answer, and goes on by its cursor", async () => {
  const { lease } = await running(engine, "broken");
  await engine.requests.settle(lease, FAILED);
  fill(2_500);
  fill(500, BOB);
  const answers: number[] = [];
  const found: RequestRecord[] = [];
  const query: ListQuery = { ...ALICE, status: "FAILED", limit: 50 };
  let cursor: string | undefined;
  do {
    const page = await engine.requests.list({ ...query, ...(cursor !== undefined && { cursor }) });
    answers.push(page.records.length);
    found.push(...page.records);
    ({ cursor } = page);
  } while (cursor !== undefined);
  expect(answers).toEqual([0, 0, 1]);
  expect(found).toMatchObject([{ requestId: "broken", error: { message: "it broke" } }]);
});

it("a list without a filter is whole pages, and reads no results", async () => {
  const { lease } = await running(engine, "large");
  await engine.requests.settle(lease, {
    ...COMPLETED,
    events: [{ type: "complete", result: "x".repeat(100_000), metadata: { attempts: 1, queue_ms: 0, run_ms: 1 } }],
  });
  fill(1_200);
  const seen: string[] = [];
  const sizes: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await engine.requests.list({ ...ALICE, limit: 100, ...(cursor !== undefined && { cursor }) });
    sizes.push(page.records.length);
    for (const { requestId, result } of page.records) {
      expect(result).toBeUndefined();
      seen.push(requestId);
    }
    ({ cursor } = page);
  } while (cursor !== undefined);
  expect(new Set(seen).size).toBe(1_201);
  expect(sizes).toEqual([...Array.from({ length: 12 }, () => 100), 1]);
});
