import { gzipSync } from "node:zlib";
import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { CLASSIFY, dataFolder, failure, flowers, handlerOn, processed } from "./runs.ts";

const csv = flowers(90);
const objects = (): Record<string, unknown>[] => {
  const [header, ...rows] = csv.split("\n").map((line) => line.split(","));
  return rows.map((row) =>
    Object.fromEntries(
      header!.map((name, at) => [name, row[at] === "" ? null : Number.isNaN(Number(row[at])) ? row[at] : Number(row[at])]),
    ),
  );
};
const ndjson = (): string =>
  objects()
    .map((row) => JSON.stringify(row))
    .join("\n");
const source = (path: string, config = {}) => ({
  ...CLASSIFY,
  data_source: { type: "file", path, config },
  options: { model: "logistic" },
});

describe("files", () => {
  it("of every format, gzipped or not, give the same predictions", async () => {
    const folder = await dataFolder({
      "flowers.csv": csv,
      "flowers.csv.gz": gzipSync(csv),
      "flowers.ndjson": ndjson(),
      "flowers.ndjson.gz": gzipSync(ndjson()),
      "flowers.json": JSON.stringify(objects()),
      "semicolons.csv": csv.replaceAll(",", ";"),
    });
    const handler = await handlerOn(folder);
    const outputs = [];
    for (const path of await readdir(folder)) outputs.push((await processed(handler, source(path))).output);
    expect(JSON.parse(outputs[0]!)).toHaveLength(90);
    for (const output of outputs) expect(output).toBe(outputs[0]);
    const parquet = await processed(handler, {
      pipeline: "transformation",
      data_source: { type: "file", path: "flowers.csv" },
      id_columns: ["id"],
      options: { model: "none" },
      output: { format: "parquet" },
    });
    expect(parquet.output.startsWith("PAR1")).toBe(true);
    const again = await processed(
      handler,
      { pipeline: "clustering", data_source: { type: "file", path: "request:r0/predictions.parquet" }, id_columns: ["id"] },
      { otherBlobs: await dataFolder({ "r0/predictions.parquet": await readBytes(parquet.result.url) }) },
    );
    expect(again.result.rows).toBe(90);
  });

  it("keep a number of a late row that the first rows did not foretell", async () => {
    const whole = Array.from({ length: 30_000 }, (_, row) => `${row},${row % 7}`);
    const folder = await dataFolder({ "late.csv": ["id,x", ...whole, "30000,2.5"].join("\n") });
    const input = {
      pipeline: "transformation",
      data_source: { type: "file", path: "late.csv" },
      id_columns: ["id"],
      options: { model: "none", scaling: "none", preview_rows: 0 },
    };
    const { output } = await processed(await handlerOn(folder), { ...input, output: { format: "csv" } });
    expect(output.trimEnd().split("\n").at(-1)).toBe("30001,30000,2.5");
  });

  it("have quotes in late rows, though the first rows have none", async () => {
    const plain = Array.from({ length: 30_000 }, (_, row) => `${row},shelf,${row % 7}`);
    const folder = await dataFolder({ "late.csv": ["id,place,x", ...plain, '30000,"shelf, left",1', '30001,"the ""top""",2'].join("\n") });
    const { output, result } = await processed(await handlerOn(folder), {
      pipeline: "clustering",
      data_source: { type: "file", path: "late.csv" },
      features: ["x"],
      id_columns: ["id", "place"],
      options: { clusters: 2, preview_rows: 0 },
    });
    const rows = JSON.parse(output) as { place: string }[];
    expect(result.data).toMatchObject({ rows: 30_002, bad_rows: 0 });
    expect(rows.slice(-2).map(({ place }) => place)).toEqual(["shelf, left", 'the "top"']);
  });

  it.each([
    ["quotes", "id;seen;x", (row: number) => `'i;${row}';${1 + (row % 28)}/${1 + (row % 12)}/2024;${row % 5}`],
    ["a comment", "# of the shop\nid;seen;x", (row: number) => `i;${1 + (row % 28)}/${1 + (row % 12)}/2024;${row % 5}`],
    ["times", "id;seen;x", (row: number) => `i;${1 + (row % 28)}/${1 + (row % 12)}/2024 10:20:30;${row % 5}`],
  ])("may have dates in their own form, and %s", async (what, head, line) => {
    const rows = Array.from({ length: 3_000 }, (_, row) => line(row));
    const folder = await dataFolder({ "own.csv": [head, ...rows].join("\n") });
    const { output, result } = await processed(await handlerOn(folder), {
      pipeline: "transformation",
      data_source: { type: "file", path: "own.csv" },
      features: ["seen"],
      id_columns: ["id"],
      options: { model: "none", scaling: "none" },
    });
    expect(result.data).toMatchObject({ rows: 3_000, bad_rows: 0, unreadable_cells: {} });
    const { id, seen } = (JSON.parse(output) as { id: string; seen: number }[])[12]!;
    expect(id).toBe(what === "quotes" ? "i;12" : "i");
    expect(Math.floor(seen)).toBe(Date.UTC(2024, 0, 13) / 86_400_000);
  });

  it("keep the writing of ids and classes", async () => {
    const rows = Array.from({ length: 40 }, (_, row) => `${String(row).padStart(4, "0")},${row % 2 ? "01" : "1"},${row}`);
    const folder = await dataFolder({ "codes.csv": ["code,kind,x", ...rows].join("\n") });
    const { result } = await processed(await handlerOn(folder), { ...source("codes.csv"), id_columns: ["code"] });
    expect(result.preview[1]).toMatchObject({ code: "0001", actual: "01" });
  });

  it("have bad rows counted and shown, up to a limit", async () => {
    const [header, ...rows] = csv.split("\n");
    const spoiled = [header, ...rows.slice(0, 50), "only,three,cells", ...rows.slice(50), "f999,wide,1,red,0.5,2024-01-01,1.0,rose"].join(
      "\n",
    );
    const folder = await dataFolder({ "flowers.csv": spoiled, "lines.ndjson": `${ndjson()}\n{"broken": \n` });
    const handler = await handlerOn(folder);
    const { result } = await processed(handler, source("flowers.csv", { bad_row_limit: 0.05 }));
    expect(result.data).toMatchObject({
      rows: 91,
      bad_rows: 1,
      bad_row_samples: [{ line: 52, text: "only,three,cells" }],
      unreadable_cells: { width: 1 },
    });
    const error = await failure(handler, source("flowers.csv"));
    expect(error).toMatchObject({ code: "PROCESSING_FAILED" });
    expect(error.message).toMatch(/1 of 92 rows of "flowers.csv" cannot be read.*line 52.*raise the limit/s);
    const lines = await processed(handler, source("lines.ndjson", { bad_row_limit: 0.05 }));
    expect(lines.result.data).toMatchObject({ rows: 90, bad_rows: 1 });
    expect(lines.result.warnings).toEqual([
      { kind: "bad_rows", message: "1 row could not be read and was left out; data.bad_row_samples shows the first.", count: 1 },
    ]);
  });

  it("look at every row when the first ones were no guide", async () => {
    const late = Array.from({ length: 25_000 }, (_, row) => `${row},${row < 21_000 ? row : `t${row % 5}`},${row % 2}`);
    const folder = await dataFolder({ "late.csv": ["id,x,y", ...late].join("\n") });
    const { result } = await processed(await handlerOn(folder), {
      ...CLASSIFY,
      data_source: { type: "file", path: "late.csv" },
      target: "y",
      options: { model: "baseline" },
      features: ["id"],
      id_columns: ["x"],
    });
    expect(result.data).toMatchObject({ rows: 25_000, bad_rows: 0 });
  });

  it("read as numbers what is numbers but for a few cells", async () => {
    const rows = Array.from({ length: 100 }, (_, row) => `${row},${row === 0 ? "n.a." : row / 3},${row % 2}`);
    const folder = await dataFolder({ "odd.csv": ["id,x,y", ...rows].join("\n") });
    const { result } = await processed(await handlerOn(folder), {
      ...CLASSIFY,
      data_source: { type: "file", path: "odd.csv" },
      target: "y",
      options: { model: "baseline" },
    });
    expect(result.data).toMatchObject({ unreadable_cells: { x: 1 } });
  });
});

async function readBytes(url: string): Promise<Uint8Array> {
  const { readFile } = await import("node:fs/promises");
  return readFile(new URL(url));
}
