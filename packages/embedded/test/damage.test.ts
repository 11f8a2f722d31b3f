/** Bits that flip at rest: what is damaged is refused by name, and never served (ADR 0036). */
import {
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  closeSync,
  copyFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock } from "@streamer/contract";
import { ALICE, COMPLETED, created, DAY_MS, FAILED, running, submission, terms } from "@streamer/contract/samples";
import type { RequestKey } from "@streamer/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEmbeddedEngine, type EmbeddedEngine } from "../src/engine.ts";
import { openDatabase } from "../src/sqlite/database.ts";
import { MIGRATIONS, migrate } from "../src/sqlite/schema.ts";
import { serveFiles, silent } from "./harness.ts";

let folder: string;
let engine: EmbeddedEngine;
let logged: string[];
let http: Server;
const clock = createManualClock();
const log = {
  ...silent,
  error: (_: object, text: string) => void logged.push(text),
  warn: (_: object, text: string) => void logged.push(text),
};

const open = async (): Promise<EmbeddedEngine> => {
  const publicUrl = (): string => `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return createEmbeddedEngine({ database: openDatabase(folder), dataFolder: folder, clock, log, publicUrl, onRunnable: () => {} });
};
/** What flips while no server runs: another program writes no checksums. */
async function whileStopped(sql: string): Promise<void> {
  engine.close();
  const db = new DatabaseSync(join(folder, "streamer.db"));
  db.exec(sql);
  db.close();
  engine = await open();
}
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "streamer-damage-"));
  logged = [];
  http = createServer((request, response) => serveFiles(engine)(request, response));
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
  engine = await open();
});
afterEach(async () => {
  engine.close();
  http.closeAllConnections();
  await new Promise<void>((resolve) => void http.close(() => resolve()));
  rmSync(folder, { recursive: true });
});

const LOST = { code: "DATA_LOSS", message: expect.stringContaining('"r1"') as string };
const keyOf = (id: string): RequestKey => submission(id).key;
async function ended(id: string): Promise<void> {
  const { lease } = await running(engine, id);
  await engine.requests.settle(lease, COMPLETED);
}

describe("a damaged row", () => {
  it.each([
    ["record", "UPDATE requests SET attempt = 5 WHERE request_id = 'r1'"],
    ["record", "UPDATE requests SET expires_at = 1 WHERE request_id = 'r1'"],
    ["metadata", "UPDATE inputs SET metadata = '{\"a\":1}' WHERE request = 1"],
    ["metadata", "DELETE FROM inputs WHERE request = 1"],
    ["end", "UPDATE events SET text = replace(text, 'complete', 'complexe') WHERE request = 1"],
    ["end", "DELETE FROM events WHERE request = 1"],
  ])("(%s) is refused by name, whatever is asked, and others are served", async (_, damage) => {
    await ended("r1");
    await ended("r2");
    await whileStopped(damage);
    await expect(engine.requests.get(keyOf("r1"))).rejects.toMatchObject(LOST);
    await expect(engine.requests.submit(submission("r1"))).rejects.toMatchObject(LOST);
    expect(await engine.requests.has(keyOf("r1"))).toBe(true);
    expect(await engine.requests.get(keyOf("r2"))).toMatchObject({ outcome: "found", record: { status: "COMPLETED" } });
    expect(engine.damageCount()).toBeGreaterThan(0);
    expect(logged).toContain("what is stored is damaged; it is refused, and everything else goes on");
  });

  it.each(["UPDATE requests SET status = 'FAILED' WHERE id = 1", "UPDATE requests SET request_id = 'r3' WHERE id = 1"])(
    "is listed as what it is: %s",
    async (damage) => {
      await ended("r1");
      await ended("r2");
      await whileStopped(damage);
      const { records } = await engine.requests.list({ ...ALICE, limit: 10 });
      expect(records.map(({ requestId, status, error }) => [requestId, status, error?.code])).toEqual([
        ["r2", "COMPLETED", undefined],
        ["r1", "FAILED", "DATA_LOSS"],
      ]);
    },
  );

  it("is never forgotten, nor are the files that it seems to have", async () => {
    await ended("r1");
    await whileStopped("UPDATE requests SET expires_at = 1 WHERE id = 1");
    expect(await engine.requests.purge(10, async () => Promise.reject(new Error("released")))).toBe(0);
    await clock.advance(8 * DAY_MS);
    expect(await engine.requests.purge(10, async () => {})).toBe(0);
  });

  it("of a tombstone says nothing of its request", async () => {
    await ended("r1");
    await clock.advance(8 * DAY_MS);
    await engine.requests.purge(10, async () => {});
    await whileStopped("UPDATE tombstones SET until = 1");
    await expect(engine.requests.get(keyOf("r1"))).rejects.toMatchObject(LOST);
  });

  it("P3 is given no fresh checksum by whoever changes it", async () => {
    await created(engine, "r1");
    const other = new DatabaseSync(join(folder, "streamer.db"));
    other.exec("UPDATE requests SET tenant = 'evil' WHERE id = 1");
    other.close();
    await expect(engine.requests.requestCancel(keyOf("r1"), { whenWaiting: [], whenRunning: [] })).rejects.toMatchObject(LOST);
    await expect(engine.requests.get(keyOf("r1"))).rejects.toMatchObject(LOST);
    // This process knows what it accepted, and runs that; what stands in the row stays damaged.
    const [claim] = await engine.requests.claim(terms(5));
    expect(claim).toMatchObject({ requestId: "r1", owner: ALICE });
    await engine.requests.settle(claim!.lease, COMPLETED);
    await expect(engine.requests.get(keyOf("r1"))).rejects.toMatchObject(LOST);
  });

  it("P3 is given none by a later process, which claims it not", async () => {
    await created(engine, "r1");
    await whileStopped("UPDATE requests SET tenant = 'evil' WHERE id = 1");
    await expect(engine.requests.requestCancel(keyOf("r1"), { whenWaiting: [], whenRunning: [] })).rejects.toMatchObject(LOST);
    expect(await engine.requests.claim(terms(5))).toEqual([]);
    await expect(engine.requests.get(keyOf("r1"))).rejects.toMatchObject(LOST);
  });

  it("that waits or ran is not run, and keeps nobody from running", async () => {
    await running(engine, "r1");
    await created(engine, "r2");
    await created(engine, "r3");
    await whileStopped("UPDATE requests SET action = 'wirk' WHERE request_id IN ('r1', 'r2')");
    const recoveries = await engine.requests.recover({ isAlive: () => false, quarantineAfter: 3, quarantined: [], cancelled: [] });
    expect(recoveries).toEqual([]);
    expect((await engine.requests.claim(terms(5))).map(({ requestId }) => requestId)).toEqual(["r3"]);
  });

  it.each([
    ["payload", 'UPDATE inputs SET payload = \'{"n":"r2"}\' WHERE request = 1'],
    ["permissions", "UPDATE inputs SET permissions = '[\"all\"]' WHERE request = 1"],
    ["checkpoint", "UPDATE checkpoints SET state = '8' WHERE request = 1"],
  ])("of a %s is claimed as damaged, with nothing of it", async (_, damage) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.advance(lease, { events: [], checkpoint: 7, leaseMs: 1 });
    await engine.requests.release(lease, { crashed: false });
    await whileStopped(damage);
    const [claim] = await engine.requests.claim(terms(1));
    expect(claim).toMatchObject({ requestId: "r1", payload: null, damage: LOST });
    expect(claim).not.toHaveProperty("checkpoint");
    // It ends as any other, and can be asked for.
    await engine.requests.settle(claim!.lease, FAILED);
    expect(await engine.requests.get(keyOf("r1"))).toMatchObject({ record: { status: "FAILED" } });
  });

  it.each(["UPDATE events SET text = 'x' WHERE seq = 1", "DELETE FROM events WHERE seq = 2", "UPDATE requests SET progress = 'x'"])(
    "P6 of the log is not replayed: %s",
    async (damage) => {
      await ended("r1");
      await whileStopped(damage);
      await expect(engine.events.after(keyOf("r1"), 0, 100)).rejects.toMatchObject(LOST);
    },
  );

  it("of recorded run times is learned anew", async () => {
    await whileStopped("INSERT OR REPLACE INTO run_times (action, series, durations, sum) VALUES ('work', 'size_1', '[7]', 0)");
    expect(await engine.runTimes.of("work")).toEqual(new Map());
  });
});

/** Flips one bit of a file. */
function flip(path: string, at: number): void {
  const file = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0]! ^= 1;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}

describe("a damaged database", () => {
  it("is refused at start by its name: header, what defines a table, a tree that is out of order", async () => {
    await ended("r1");
    engine.close();
    const path = join(folder, "streamer.db");
    const pristine = readFileSync(path);
    const schema = pristine.indexOf("attempt INTEGER NOT NULL DEFAULT 0") + "attempt INTEGER NOT NULL DEFAULT ".length;
    for (const at of [0, 16, schema]) {
      flip(path, at);
      expect(() => openDatabase(folder)).toThrow(
        expect.objectContaining({ code: "DATA_LOSS", message: expect.stringContaining(path) as string }),
      );
      writeFileSync(path, pristine);
    }
    engine = await open();
    expect(await engine.requests.get(keyOf("r1"))).toMatchObject({ outcome: "found" });
  });

  it("has its indexes made anew, and then finds what it has", async () => {
    await ended("r1");
    engine.close();
    const path = join(folder, "streamer.db");
    const key = keyOf("r1");
    const places: number[] = [];
    const bytes = readFileSync(path);
    for (let at = bytes.indexOf(key); at !== -1; at = bytes.indexOf(key, at + 1)) places.push(at);
    for (const at of places) {
      writeFileSync(path, bytes);
      flip(path, at + key.length - 1);
      engine = await open();
      const found = await engine.requests.get(key).catch((error: unknown) => error);
      expect([{ outcome: "found" }, LOST]).toContainEqual(expect.objectContaining(pick(found)));
      engine.close();
    }
    expect(places.length).toBeGreaterThan(1);
    expect(logged).toContain("the index sqlite_autoindex_requests_1 was damaged, and was made anew");
    writeFileSync(path, bytes);
    engine = await open();
  });

  it("is refused when commits stand behind what is damaged of its log; the last alone may have been torn", async () => {
    const wal = join(folder, "streamer.db-wal");
    for (const id of ["r1", "r2", "r3"]) await created(engine, id);
    const killed = mkdtempSync(join(tmpdir(), "streamer-damage-killed-"));
    try {
      for (const name of ["streamer.db", "streamer.db-wal"]) copyFileSync(join(folder, name), join(killed, name));
      const path = join(killed, "streamer.db-wal");
      const pristine = readFileSync(path);
      expect(statSync(wal).size).toBe(pristine.length);
      for (const at of [8, 32 + 24 + 100]) {
        flip(path, at);
        expect(() => openDatabase(killed)).toThrow(
          expect.objectContaining({ code: "DATA_LOSS", message: expect.stringContaining(path) as string }),
        );
        writeFileSync(path, pristine);
      }
      flip(path, pristine.length - 1);
      const database = openDatabase(killed);
      expect(database.mended).toEqual([expect.stringContaining("last transaction")]);
      expect(database.db.prepare("SELECT count(*) AS count FROM requests").get()).toEqual({ count: 2 });
      database.close();
    } finally {
      rmSync(killed, { recursive: true });
    }
  });

  it("of before there were checksums is taken as it is", () => {
    const db = new DatabaseSync(":memory:");
    migrate(db, MIGRATIONS.slice(0, 5));
    db.exec(`INSERT INTO requests (id, key, request_id, tenant, user, action, priority, max_attempts, timeout_ms, retention_ms, created_at, run_at, status)
      VALUES (1, 'a/b/c', 'c', 'a', 'b', 'work', 5, 3, 1, 1, 1, 1, 'PENDING'); INSERT INTO inputs VALUES (1, '{}', '{}', '[]')`);
    migrate(db);
    for (const table of ["requests", "inputs", "meta"])
      expect(db.prepare(`SELECT count(*) AS none FROM ${table} WHERE sum IS NULL`).get()).toEqual({ none: 0 });
    db.close();
  });
});

const pick = (found: unknown): object => {
  const { outcome, code, message } = found as { outcome?: string; code?: string; message?: string };
  return outcome === undefined ? { code, message } : { outcome };
};

describe("a damaged file", () => {
  const key = `${keyOf("r1")}/report.csv`;
  const BODY = "0123456789".repeat(60_000);
  const put = async (): Promise<string> => {
    await engine.blobs.put(key, BODY);
    const blobs = join(folder, "blobs");
    return join(
      blobs,
      (readdirSync(blobs, { recursive: true }) as string[]).find((name) => name.endsWith(".sealed"))!,
    );
  };
  const get = async (range?: string): Promise<Response> =>
    fetch((await engine.blobs.sign(key, 1_000)).url, range === undefined ? {} : { headers: { range } });

  it("is refused by name at its first block, and cut off at a later one; what is whole of it can be read", async () => {
    const path = await put();
    expect(await (await get()).text()).toBe(BODY);
    flip(path, 300_000);
    const response = await get();
    expect(response.headers.get("content-length")).toBe(String(BODY.length));
    await expect(response.text()).rejects.toThrow("terminated");
    expect(await (await get("bytes=0-99")).text()).toBe(BODY.slice(0, 100));
    const refused = await get("bytes=300100-300199");
    expect([refused.status, await refused.json()]).toMatchObject([500, { error: LOST }]);
    const opened = await engine.blobs.open(key);
    await expect(new Response(opened!.body).text()).rejects.toMatchObject(LOST);
    expect(engine.damageCount()).toBe(1);
  });

  it("is refused by name when its end is no end, and when its record is damaged", async () => {
    const path = await put();
    const whole = readFileSync(path);
    for (const at of [whole.length - 1, whole.length - 10, whole.length - 14, whole.length - 22]) {
      flip(path, at);
      expect((await get()).status).toBe(500);
      writeFileSync(path, whole);
    }
    writeFileSync(path, whole.subarray(0, 10));
    expect((await get()).status).toBe(500);
    writeFileSync(path, whole);
    await whileStopped("UPDATE blobs SET content_type = 'text/html'");
    const response = await get();
    expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([500, "DATA_LOSS"]);
  });

  it("of before there were checksums is read as it is, and replaced as a whole", async () => {
    const path = await put();
    writeFileSync(path.replace(".sealed", ""), "old");
    rmSync(path);
    expect(await (await get()).text()).toBe("old");
    await put();
    expect(await (await get()).text()).toBe(BODY);
    await engine.blobs.removeAll(`${keyOf("r1")}/`);
    expect((await get()).status).toBe(404);
  });
});
