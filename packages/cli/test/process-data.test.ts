/** process_data as people use it: a server on the sample shop, `streamer request`, and rows sent over the same socket. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connect } from "@streamer/client";
import { startServer, type Server } from "@streamer/embedded";
import { createHandlers, writeSampleShop } from "@streamer/handlers";
import { streamer } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-process-"));
let server: Server;
let url = "";
let token = "";

beforeAll(async () => {
  await writeSampleShop(join(folder, "shop"), { rows: 4_000 });
  const handlers = createHandlers({ dataFolder: join(folder, "data"), reports: { dataFolder: join(folder, "shop") } });
  server = await startServer({ handlers, dataFolder: join(folder, "data"), logLevel: "silent" });
  ({ url } = server);
  token = await server.developmentToken({ userId: "developer" });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const client = () => connect(url, { token });
const LINES = "SELECT quantity, unit_price, unit_cost, category FROM order_lines JOIN products USING (product_key)";

it("learns from the shop's files, and the file of predictions is fetched", async () => {
  const payload = {
    pipeline: "classification",
    data_source: { type: "query", query: LINES },
    target: "category",
    output: { format: "csv", destination: "categories.csv" },
    options: { model: "logistic", duplicates: "keep" },
  };
  writeFileSync(join(folder, "payload.json"), JSON.stringify(payload));
  const args = [
    "request",
    "process_data",
    "--payload",
    "@payload.json",
    "--id",
    "train",
    "--out",
    ".",
    "--url",
    url,
    "--data-folder",
    "data",
  ];
  const request = streamer(args, { cwd: folder });
  expect([await request.ended, request.stderr]).toEqual([0, expect.stringContaining("categories.csv")]);
  expect(JSON.parse(request.stdout)).toMatchObject({ rows: 4_000, model: { model_id: "train" }, metrics: { measured_on: "test part" } });
  expect(readFileSync(join(folder, "categories.csv"), "utf8").split("\n")).toHaveLength(4_002);
});

it("P10 uses the model of an earlier request again, and finds nobody else's", async () => {
  await using user = client();
  const source = { type: "query", query: `${LINES} LIMIT 50` } as const;
  const scored = await user.request("process_data", { pipeline: "classification", data_source: source, options: { model_id: "train" } })
    .result;
  expect(scored).toMatchObject({ rows: 50, model: { why: "trained by request train" } });
  const other = user.request("process_data", { pipeline: "classification", data_source: source, options: { model_id: "../other/train" } });
  await expect(other.result).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
});

it("takes rows over the same socket while it reads them", async () => {
  await using user = client();
  const run = user.request("process_data", {
    pipeline: "clustering",
    data_source: { type: "stream", stream_id: "points" },
    options: { clusters: 3 },
  });
  for (let sequence = 0; sequence < 5; sequence += 1) {
    const rows = Array.from({ length: 30 }, (_, row) => ({ x: (row % 3) * 10 + sequence / 5, y: (row % 3) * 5 + row / 100 }));
    const answer = await user.request("append_rows", { stream_id: "points", sequence, rows, end: sequence === 4 }).result;
    expect(answer).toMatchObject({ next_sequence: sequence + 1, stored: true });
  }
  expect(await run.result).toMatchObject({ rows: 150, metrics: { sizes: [50, 50, 50] } });
});

it("P8 is cancelled while it waits, with receipts, and stays cancelled", async () => {
  await using user = client();
  const run = user.request("process_data", { pipeline: "clustering", data_source: { type: "stream", stream_id: "silent" } });
  const ended = run.result.catch((error: unknown) => error);
  for await (const { message } of run.progress) if (message?.startsWith("Waiting")) break;
  const startedAt = performance.now();
  await run.cancel();
  expect(await ended).toMatchObject({ code: "CANCELLED" });
  expect(performance.now() - startedAt).toBeLessThan(1_500);
});

it("answers a query that nothing can stop with a typed error, and goes on serving", async () => {
  await using user = client();
  // DuckDB looks up from neither of these before it is done: a replacement of everything by everything, and 4 GB of text.
  const nest = (depth: number): string => (depth === 0 ? "t" : `replace(${nest(depth - 1)}, 'x', t)`);
  const endless = `SELECT ${nest(4)} AS t FROM (SELECT '${"x".repeat(64)}' AS t)`;
  const widen = (inner: string): string => `(SELECT ${Array.from({ length: 16 }, () => "t").join(" || ")} AS t FROM ${inner})`;
  const huge = `SELECT length(t || t) AS n FROM ${widen(widen(widen(widen(widen(widen(`(SELECT '${"x".repeat(100)}' AS t)`))))))}`;
  const ask = (query: string, config: object) =>
    user
      .request("process_data", { pipeline: "clustering", data_source: { type: "query", query, config } })
      .result.catch((error: unknown) => error);
  expect(await ask(endless, { timeout_ms: 250 })).toMatchObject({
    code: "VALIDATION_ERROR",
    message: expect.stringContaining("longer than 250 ms") as string,
  });
  expect(await ask(huge, {})).toMatchObject({ code: "VALIDATION_ERROR", message: expect.stringContaining("memory") as string });
  expect(await user.request("echo", [1]).result).toEqual([1]);
});
