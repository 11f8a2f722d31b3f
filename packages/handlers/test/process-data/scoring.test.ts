/** A row scores the same whatever other rows its file holds, and whatever file it comes in; what cannot is counted or refused. */
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeWorkbook } from "../files/workbooks.ts";
import { dataFolder, failure, handlerOn, processed, temporaryFolder } from "./runs.ts";

const CODES = ["7", "12", "A3", "B9", "0815"];
interface Row {
  readonly id: string;
  readonly code: string;
  readonly agreed: string;
  readonly day: string;
  readonly x: number;
  readonly price: string;
  readonly y: number;
}
/** Codes of digits and letters, a question once answered "unknown", days and prices as in Germany. */
const ROWS: readonly Row[] = Array.from({ length: 300 }, (_, row) => {
  const code = CODES[row % 5]!;
  const agreed = row % 50 === 0 ? "unknown" : Math.floor(row / 5) % 2 === 0 ? "yes" : "no";
  const [x, cents] = [(row * 7) % 10, (row * 37) % 900_000];
  const price = (cents / 100).toLocaleString("de-DE", { minimumFractionDigits: 2 });
  const day = `${String(1 + (row % 28)).padStart(2, "0")}.${String(1 + (row % 12)).padStart(2, "0")}.2024`;
  return { id: `p${row}`, code, agreed, day, x, price, y: 10 * (row % 5) + (agreed === "yes" ? 5 : 0) + x / 10 + cents / 90_000 };
});
const CELLS = ["id", "code", "agreed", "day", "x", "price"] as const;
const csv = (rows: readonly Row[], cells: readonly (keyof Row)[] = CELLS): string =>
  [cells.join(";"), ...rows.map((row) => cells.map((cell) => row[cell]).join(";"))].join("\n");

const REGRESSION = { pipeline: "regression", id_columns: ["id"], output: { format: "json" } };
type Scored = Record<string, unknown>;

async function trained() {
  const handler = await handlerOn(await dataFolder({ "train.csv": csv(ROWS, [...CELLS, "y"]) }));
  const input = { ...REGRESSION, data_source: { type: "file", path: "train.csv" }, target: "y", options: { model: "ridge" } };
  const { run, output, result } = await processed(handler, input);
  const otherBlobs = await temporaryFolder();
  await mkdir(join(otherBlobs, "r1"));
  await copyFile(join(run.blobsFolder, "model.json"), join(otherBlobs, "r1", "model.json"));
  const before = new Map((JSON.parse(output) as Scored[]).map(({ id, prediction }) => [id, prediction]));
  return { before, result, otherBlobs };
}

const scoring = (source: Record<string, unknown>, options: Record<string, unknown> = {}) => ({
  ...REGRESSION,
  data_source: source,
  options: { model_id: "r1", ...options },
});
const file = (path: string, config = {}) => ({ type: "file", path, config });

describe("a row scores as among the rows of training", () => {
  const asNumbers = (row: Row): Scored => ({
    ...row,
    code: /^[1-9]\d*$/.test(row.code) ? Number(row.code) : row.code,
    price: Number(row.price.replaceAll(".", "").replace(",", ".")),
    day: row.day.split(".").toReversed().join("-"),
  });
  const objects = (rows: readonly Row[]): string => JSON.stringify(rows.map((row) => ({ ...row, y: undefined })));

  it("alone and with others, in every format", async () => {
    const { before, result, otherBlobs } = await trained();
    expect(result.data).toMatchObject({
      read_as: [
        { column: "day", kind: "date", date_format: "%d.%m.%Y" },
        { column: "price", kind: "number", decimal: "," },
      ],
    });
    const files: Record<string, string> = {
      "all.csv": csv(ROWS),
      "one.csv": csv(ROWS.slice(5, 6)),
      "answers.csv": csv(ROWS.filter(({ agreed }) => agreed !== "unknown").slice(0, 40)),
      "digits.csv": csv(ROWS.filter(({ code }) => code === "7" || code === "12").slice(0, 40)),
      "texts.json": objects(ROWS.slice(0, 40)),
      "one.ndjson": objects(ROWS.slice(5, 6)).slice(1, -1),
    };
    for (const code of CODES) files[`only-${code}.csv`] = csv(ROWS.filter((row) => row.code === code).slice(0, 20));
    const folder = await dataFolder(files);
    const cell = (value: string, at: number): string =>
      `<c r="${String.fromCodePoint(65 + at)}1" t="inlineStr"><is><t>${value}</t></is></c>`;
    const sheet = [CELLS as readonly string[], ...ROWS.slice(0, 9).map((row) => CELLS.map((name) => String(row[name])))];
    await writeWorkbook(join(folder, "some.xlsx"), {
      sheets: { S: sheet.map((cells) => `<row>${cells.map(cell).join("")}</row>`).join("") },
    });
    const handler = await handlerOn(folder);
    for (const path of [...Object.keys(files), "some.xlsx"]) {
      const { output, result: scored } = await processed(handler, scoring(file(path)), { otherBlobs });
      const rows = JSON.parse(output) as Scored[];
      expect(rows.length, path).toBeGreaterThan(0);
      for (const { id, prediction } of rows) expect(prediction, `${path} ${String(id)}`).toBeCloseTo(before.get(id) as number, 9);
      expect(scored.warnings.filter(({ kind }) => kind === "unreadable_cells" || kind === "unseen_categories")).toEqual([]);
    }
    const { output } = await processed(
      handler,
      scoring({ type: "query", query: `SELECT id, code, agreed, day, x, price FROM "only-0815"` }),
      { otherBlobs },
    );
    for (const { id, prediction } of JSON.parse(output) as Scored[]) expect(prediction).toBeCloseTo(before.get(id) as number, 9);
  });

  it("typed as a program types it: numbers, days in ISO by what the request says of them", async () => {
    const { before, otherBlobs } = await trained();
    const rows = ROWS.filter(({ code }) => code === "7" || code === "12").slice(0, 30);
    const handler = await handlerOn(await dataFolder({ "typed.json": JSON.stringify(rows.map(asNumbers)) }));
    const { output } = await processed(handler, scoring(file("typed.json", { date_format: "%Y-%m-%d" })), { otherBlobs });
    for (const { id, prediction } of JSON.parse(output) as Scored[]) expect(prediction).toBeCloseTo(before.get(id) as number, 9);
  });
});

describe("what a model cannot read", () => {
  it("is counted by column and warned of; beyond the limit the run is refused with the remedy", async () => {
    const { otherBlobs } = await trained();
    const spoiled = ROWS.slice(0, 40).map((row, at) => ({
      ...row,
      ...(at % 4 === 0 && { price: "dear" }),
      ...(at % 8 === 0 && { code: "Z1" }),
    }));
    const points = ROWS.slice(0, 40).map((row) => ({ ...row, price: (row.x + 0.25).toFixed(2) }));
    const handler = await handlerOn(await dataFolder({ "spoiled.csv": csv(spoiled), "points.csv": csv(points) }));
    const { result } = await processed(handler, scoring(file("spoiled.csv")), { otherBlobs });
    expect(result).toMatchObject({ rows: 40, data: { unreadable_cells: { price: 10 }, unseen_categories: { code: 5 } } });
    expect(result.warnings.filter(({ kind }) => kind !== "drift")).toMatchObject([
      { kind: "unreadable_cells", column: "price", count: 10 },
      { kind: "unseen_categories", column: "code", count: 5 },
    ]);
    const refused = await failure(handler, scoring(file("spoiled.csv"), { unreadable_limit: 0.1 }), { otherBlobs });
    expect(refused).toMatchObject({ code: "PROCESSING_FAILED", details: { column: "price", values: 40, unreadable: 10 } });
    expect(refused.message).toMatch(
      /"price": 10 of 40 values, such as "dear", cannot be read.*data_source.config.decimal.*unreadable_limit \(0.1\)/,
    );
    const unseen = await failure(handler, scoring(file("spoiled.csv"), { unseen_limit: 0.1 }), { otherBlobs });
    expect(unseen.message).toMatch(/"code": 5 of 40 values, such as "Z1", are categories that the model has not learned/);
    // Written otherwise than the model knows it: refused, and read where the request says so.
    expect((await failure(handler, scoring(file("points.csv")), { otherBlobs })).message).toMatch(/"price": 40 of 40 values/);
    expect((await processed(handler, scoring(file("points.csv", { decimal: "." })), { otherBlobs })).result.rows).toBe(40);
  });

  it("is a population of another kind: drift is reported by column", async () => {
    const { otherBlobs } = await trained();
    const other = ROWS.map((row, at) => ({ ...row, x: 50 + (at % 9), agreed: at % 2 === 0 ? "" : row.agreed }));
    const handler = await handlerOn(await dataFolder({ "all.csv": csv(ROWS), "other.csv": csv(other) }));
    const same = await processed(handler, scoring(file("all.csv")), { otherBlobs });
    expect(same.result.warnings).toEqual([]);
    const { result } = await processed(handler, scoring(file("other.csv")), { otherBlobs });
    const drifted = result.warnings.filter(({ kind }) => kind === "drift").map(({ column }) => column);
    expect(new Set(drifted)).toEqual(new Set(["agreed", "x"]));
    const drift = result.data.drift as { column: string; missing: number; missing_in_training: number; stability_index: number | null }[];
    expect(drift.find(({ column }) => column === "agreed")).toMatchObject({ missing: 0.5, missing_in_training: 0, stability_index: null });
    expect(drift.find(({ column }) => column === "x")!.stability_index).toBeGreaterThan(1);
  });

  it("is a model of an earlier format: refused with what to do", async () => {
    const { otherBlobs } = await trained();
    const path = join(otherBlobs, "r1", "model.json");
    await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, "utf8")) as object), format: 1 }));
    const handler = await handlerOn(await dataFolder({ "all.csv": csv(ROWS) }));
    expect((await failure(handler, scoring(file("all.csv")), { otherBlobs })).message).toMatch(
      /options.model_id: the model of "r1" is of format 1.*train it again/,
    );
  });
});
