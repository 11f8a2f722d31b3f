import { isFatal, type Fatal } from "@streamer/core";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { beforeAll, describe, expect, it, afterAll } from "vitest";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readXlsx } from "hucre/xlsx";
import { createGenerateReport, writeSampleShop } from "../../src/generate-report/index.ts";
import { startRun, type Reported } from "../run-handler.ts";
import type { ReportUse } from "../report-child.ts";
import { report, temporaryFolder, writeShop } from "./shops.ts";

const CHILD = fileURLToPath(new URL("../report-child.ts", import.meta.url));

/** A shop large enough that there is something to stop. */
let dataFolder = "";
beforeAll(async () => {
  dataFolder = join(await mkdtemp(join(tmpdir(), "streamer-shop-")), "shop");
  await writeSampleShop(dataFolder, { rows: 300_000 });
});
afterAll(() => rm(join(dataFolder, ".."), { recursive: true, force: true }));

describe("progress of a report", () => {
  it("goes through its four stages, forward only, in at least eight updates", async () => {
    const { reports } = await report({ dataFolder: await writeShop() }, { format: "pdf" });
    const stages = reports.map(({ metadata }) => metadata.stage);
    expect([...new Set(stages)]).toEqual(["query", "process", "generate", "finalize"]);
    const percentages = reports.map(({ percentage }) => percentage);
    expect(percentages).toEqual(percentages.toSorted((a, b) => a - b));
    expect(reports.length).toBeGreaterThanOrEqual(8);
    expect(reports.at(-1)?.percentage).toBe(100);
    expect(
      reports.flatMap(({ metadata }) =>
        metadata.source !== undefined && metadata.rows !== undefined ? [[metadata.source, metadata.rows]] : [],
      ),
    ).toEqual([
      ["customers", 2],
      ["products", 2],
      ["transactions", 4],
      ["analytics", 3],
    ]);
  });
});

describe("filters against the data", () => {
  it("refuses values and fields the data does not know, with those it knows", async () => {
    const error = (await report(
      { dataFolder: await writeShop() },
      { filters: { category: ["Nuts", "Bolts"], region: "North", country: "France" } },
    ).catch((reason: unknown) => reason)) as Fatal;
    expect(isFatal(error)).toBe(true);
    expect(error.code).toBe("VALIDATION_ERROR");
    expect(error.details).toEqual({
      issues: [
        { path: ["filters", "category"], message: 'unknown category "Bolts"; known are "Nuts", "Tools & <Toys>"' },
        { path: ["filters", "country"], message: "this data has no country" },
      ],
    });
  });

  it("binds values: SQL in one is a text like any other", async () => {
    const error = (await report({ dataFolder: await writeShop() }, { filters: { product: "x') OR 1=1 --" } }).catch(
      (reason: unknown) => reason,
    )) as Fatal;
    expect(error.code).toBe("VALIDATION_ERROR");
  });

  it("counts a product or customer by name and by key", async () => {
    const { result } = await report({ dataFolder: await writeShop() }, { filters: { product: "@SUM(A1)", customer: ["10", "11"] } });
    expect(result.records).toBe(2);
  });
});

/** Ms since now, less what other processes of the machine took: the clock while this one had a core, else its CPU time. */
function stopwatch(): () => number {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return Math.min(performance.now() - startedAt, (user + system) / 1_000);
  };
}

describe("a report that is stopped", () => {
  const moments = (["csv", "excel", "pdf"] as const).flatMap((format) =>
    (["query", "process", "generate", "finalize"] as const).map((stage) => [format, stage] as const),
  );
  it.each(moments)("as %s in %s stops within a second and leaves no file", async (format, stage) => {
    const handler = createGenerateReport({ dataFolder });
    const blobsFolder = await temporaryFolder();
    let sinceStop: (() => number) | undefined;
    const input = { start_date: "2023-01-01", end_date: "2025-12-31", report_type: "custom", format };
    const run = await startRun(handler, input, {
      blobsFolder,
      onReport: ({ metadata }, { stop }) => {
        if (metadata.stage !== stage || sinceStop) return;
        sinceStop = stopwatch();
        stop();
      },
    });
    const error = await run.result.catch((reason: unknown) => reason);
    expect(sinceStop!()).toBeLessThan(1_000);
    expect(error).toMatchObject({ name: "Stopped", reason: "cancelled" });
    expect(await readdir(blobsFolder)).toEqual([]);
    expect(existsSync(run.scratchFolder)).toBe(false);
  });

  const inTheMiddle: [string, string, (report: Reported) => boolean][] = [
    ["reading", "csv", ({ metadata }) => metadata.source === "products"],
    ["writing CSV", "csv", ({ message }) => message === "Writing CSV"],
    ["writing Excel", "excel", ({ metadata }) => Number(metadata.rows_written) >= 40_000],
    ["laying out a PDF", "pdf", ({ message }) => message === "Page 10 laid out"],
  ];
  it.each(inTheMiddle)("in the middle of %s stops soon too", async (_, format, isMoment) => {
    let sinceStop: (() => number) | undefined;
    const input = { start_date: "2023-01-01", end_date: "2025-12-31", report_type: "custom", format };
    const run = await startRun(createGenerateReport({ dataFolder }), input, {
      blobsFolder: await temporaryFolder(),
      // Once the handler has gone on to what it announced: the statement runs, the layout has begun.
      onReport: (reported, { stop }) => {
        if (!isMoment(reported) || sinceStop) return;
        sinceStop = stopwatch();
        setTimeout(stop, 0);
      },
    });
    await expect(run.result).rejects.toMatchObject({ name: "Stopped" });
    expect(sinceStop!()).toBeLessThan(1_000);
    expect(existsSync(run.scratchFolder)).toBe(false);
  });
});

describe("the handler of a child process", () => {
  it("is found in the module `isolate` names, with the same options, and keeps to its memory", async () => {
    const handler = createGenerateReport({ dataFolder, rowsPerSheet: 100_001 });
    const input = { start_date: "2023-01-01", end_date: "2025-12-31", report_type: "custom", format: "excel" };
    const job = { isolate: handler.isolate, action: handler.action, input, blobsFolder: await temporaryFolder() };
    const child = await promisify(execFile)(process.execPath, [CHILD, JSON.stringify(job)]);
    const use = JSON.parse(child.stdout) as ReportUse;
    expect(use.result).toMatchObject({ format: "excel", records: 300_000 });
    expect(use.peakOverIdleMb).toBeLessThan(600);
    const path = join(job.blobsFolder, "report.xlsx");
    const sheets = await readXlsx(await readFile(path), { sheets: [1, 3] });
    expect(sheets.sheets.map(({ rows }) => rows.length)).toEqual([100_002, 100_002]);
  });

  it("is estimated by the format and the size of the files", async () => {
    const { estimate } = createGenerateReport({ dataFolder: await writeShop() });
    const estimateOf = (format: string): number => (typeof estimate === "function" ? estimate({ format } as never) : Number.NaN);
    expect(estimateOf("csv")).toBeLessThan(estimateOf("pdf"));
    expect(estimateOf("csv")).toBeGreaterThan(0);
  });
});
