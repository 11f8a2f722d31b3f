/**
 * Every handler that ships, over an embedded server and a real WebSocket, as the README and the guides say: no option is
 * given that they do not give, above all no `mode`. What a handler answers a context made for a test is tested elsewhere;
 * this is what a user gets.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, type Client } from "@streamer/client";
import { startServer, type Server } from "@streamer/embedded";
import { createHandlers, writeSampleShop, type BulkResult, type ProcessResult, type ReportResult } from "../src/index.ts";
import { documented, exampleIn } from "./documented.ts";

const ROWS = 6_000;
/** Folders are named as examples name them, relative to where the server was started. */
const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "streamer-documented-"));
const [dataFolder, shop] = ["data", "shop"];
process.chdir(folder);
const handlers = createHandlers({ dataFolder, reports: { dataFolder: shop } });

let server: Server;
let client: ReturnType<typeof connect<typeof handlers>>;
/** For what a guide gives as JSON. */
let untyped: Client;
beforeAll(async () => {
  await writeSampleShop(shop, { rows: ROWS });
  server = await startServer({ handlers, dataFolder, logLevel: "silent" });
  const token = await server.developmentToken({ userId: "me" });
  client = connect<typeof handlers>(server.url, { token });
  untyped = connect(server.url, { token });
});
afterAll(async () => {
  await Promise.all([client.close(), untyped.close()]);
  await server.stop();
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

/** What a link leads to, for anybody who has it: no token is sent. */
async function fetched(url: string): Promise<Buffer> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}
const linesOf = (bytes: Buffer): string[] => bytes.toString("utf8").trimEnd().split("\n");

const STORIES: Readonly<Record<(typeof handlers)[number]["action"], () => void>> = {
  echo: () => {
    it("answers with its payload", async () => {
      expect(await client.request("echo", { hello: "world" }).result).toEqual({ hello: "world" });
      expect(await client.request("echo").result).toEqual({});
    });
  },

  health: () => {
    it("tells how the process is doing", async () => {
      expect(await client.request("health").result).toMatchObject({ status: "ok", node: process.version });
    });
  },

  bulk_operation: () => {
    it("takes the guide's payload", async () => {
      const guide = documented("docs/handlers/bulk-operation.md");
      const result = (await untyped.request("bulk_operation", exampleIn(guide, "payload")).result) as BulkResult;
      expect(result).toMatchObject({ total: 2, succeeded: 2, batches: 1 });
    });

    const entity_type = "visitor";
    const bulk = (operation_type: "create" | "update" | "delete", items: readonly { id: string; visits?: number }[]): Promise<BulkResult> =>
      client.request("bulk_operation", { operation_type, entity_type, items: [...items] }).result;
    const counts = (more: Partial<BulkResult["counts"]>): Partial<BulkResult["counts"]> => expect.objectContaining(more);

    it("creates, updates and deletes, and says of each item what became of it", async () => {
      const items = [{ id: "anna" }, { id: "ben" }, { id: "cem" }];
      expect(await bulk("create", items)).toMatchObject({ total: 3, succeeded: 3, failed: 0, counts: counts({ created: 3 }) });
      expect(await bulk("create", [{ id: "anna", visits: 1 }])).toMatchObject({ failed: 1, counts: counts({ conflict: 1 }) });
      const updated = await bulk("update", [
        { id: "anna", visits: 2 },
        { id: "dora", visits: 1 },
      ]);
      expect(updated).toMatchObject({ succeeded: 1, failed: 1, counts: counts({ updated: 1, not_found: 1 }) });
      expect(updated.items?.map(({ id, outcome }) => [id, outcome])).toEqual([
        ["anna", "updated"],
        ["dora", "not_found"],
      ]);
      expect(await bulk("delete", items)).toMatchObject({ succeeded: 3, counts: counts({ deleted: 3 }) });
    });

    it("puts the reports of many items into a file", async () => {
      const items = Array.from({ length: 250 }, (_, at) => ({ id: `many-${at}` }));
      const result = await bulk("create", items);
      expect(result).toMatchObject({ total: 250, batches: 3, counts: counts({ created: 250 }) });
      const reports = linesOf(await fetched(result.report!.url)).map((line) => JSON.parse(line) as { id: string; outcome: string });
      expect(reports.map(({ id, outcome }) => [id, outcome])).toEqual(items.map(({ id }) => [id, "created"]));
    });

    it("P2 is durable from its first checkpoint on: it has one end, and can be read again", async () => {
      const run = client.request("bulk_operation", { operation_type: "create", entity_type, items: [{ id: "kept" }] });
      const result = await run.result;
      expect(await client.get(run.id)).toMatchObject({ status: "COMPLETED", attempt: 1, result });
    });
  },

  generate_report: () => {
    const guide = documented("docs/guides/reports.md");
    const period = { start_date: "2025-01-01", end_date: "2025-12-31" } as const;

    it("makes a PDF, and nothing but the dates need be said", async () => {
      const result = await client.request("generate_report", period).result;
      expect(result).toMatchObject({ format: "pdf", records: expect.any(Number) as number });
      const file = await fetched(result.url);
      expect(file.subarray(0, 5).toString()).toBe("%PDF-");
      expect(file.length).toBe(result.size_bytes);
    });

    it("makes the same order lines a CSV and a workbook", async () => {
      const csv = await client.request("generate_report", { ...period, format: "csv" }).result;
      expect(csv.records).toBeGreaterThan(ROWS / 4);
      expect(linesOf(await fetched(csv.url))).toHaveLength(1 + csv.records);
      const excel = await client.request("generate_report", { ...period, format: "excel" }).result;
      expect(excel.records).toBe(csv.records);
      // A workbook is a ZIP archive.
      expect((await fetched(excel.url)).subarray(0, 4).toString("latin1")).toBe("PK\u0003\u0004");
    });

    it("takes the guide's payload, and filters by it", async () => {
      const result = (await untyped.request("generate_report", exampleIn(guide, "payload")).result) as ReportResult;
      expect(result.records).toBeGreaterThan(0);
      expect(result.stats).toMatchObject({ top_category: "Coffee" });
    });
  },

  process_data: () => {
    const guide = documented("docs/handlers/process-data.md");
    const processed = async (name: string, id = `guide-${name}`): Promise<ProcessResult> =>
      (await untyped.request("process_data", exampleIn(guide, name), { id }).result) as ProcessResult;

    it("learns, and the model is used again", async () => {
      const first = await processed("classification", "the-training-request");
      expect(first.metrics["accuracy"]).toBeGreaterThan(0.8);
      expect(linesOf(await fetched(first.url))).toHaveLength(1 + first.rows);
      const again = await processed("scoring");
      expect(again.model).toMatchObject({ model_id: "the-training-request" });
      expect(JSON.parse((await fetched(again.url)).toString())).toHaveLength(again.rows);
    });

    it.each(["regression", "clustering", "anomaly"])("%s gives a row for each that took part", async (name) => {
      const { url, rows } = await processed(name);
      expect(rows).toBeGreaterThan(100);
      expect(JSON.parse((await fetched(url)).toString())).toHaveLength(rows);
    });

    it("writes Parquet", async () => {
      const file = await fetched((await processed("transformation")).url);
      expect([file.subarray(0, 4).toString(), file.subarray(-4).toString()]).toEqual(["PAR1", "PAR1"]);
    });
  },

  append_rows: () => {
    const guide = documented("docs/handlers/process-data.md");

    it("takes the guide's rows", async () => {
      const appended = await untyped.request("append_rows", exampleIn(guide, "append")).result;
      expect(appended).toEqual({ stream_id: "orders", next_sequence: 1, stored: true, unread_bytes: 27 });
    });

    it("fills a channel while a run reads it", async () => {
      const run = client.request("process_data", {
        pipeline: "clustering",
        data_source: { type: "stream", stream_id: "points" },
        options: { clusters: 2 },
      });
      for (const sequence of [0, 1, 2]) {
        const rows = Array.from({ length: 40 }, (_, at) => ({ x: (at % 2) * 100 + at / 40, y: at / 40 + sequence }));
        const { next_sequence } = await client.request("append_rows", { stream_id: "points", sequence, rows, end: sequence === 2 }).result;
        expect(next_sequence).toBe(sequence + 1);
      }
      expect(await run.result).toMatchObject({ rows: 120, metrics: { clusters: 2 } });
    });
  },
};

for (const { action } of handlers) {
  describe(`${action} as documented`, () => {
    STORIES[action]();
  });
}
