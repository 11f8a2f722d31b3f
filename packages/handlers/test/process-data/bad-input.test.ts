import { link, mkdir, readdir, symlink, truncate, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CLASSIFY, dataFolder, flowers, handlerOn, temporaryFolder } from "./runs.ts";
import { startRun } from "../run-handler.ts";

const rows = (line: (row: number) => string, count = 60): string => Array.from({ length: count }, (_, row) => line(row)).join("\n");

const FILES = {
  "flowers.csv": flowers(60),
  "empty.csv": "",
  "header.csv": "a,b,kind\n",
  "one-class.csv": `a,b,kind\n${rows((row) => `${row},${row % 7},rose`)}`,
  "gaps.csv": `a,b,kind\n${rows((row) => `${row},${row % 7},${row === 11 ? "" : row % 2 ? "rose" : "lily"}`)}`,
  "constant.csv": `n,a,b,kind\n${rows((row) => `${row},7,same,${row % 2 ? "rose" : "lily"}`)}`,
  "words.csv": `a,b,price\n${rows((row) => `${row},${row % 7},${row === 5 ? "cheap" : row * 2}`)}`,
  "all-words.csv": `a,b,price\n${rows((row) => `${row},${row % 7},p${row}`)}`,
  "nested.ndjson": rows((row) => JSON.stringify({ a: row, list: [row], kind: row % 2 ? "rose" : "lily" })),
  "wide.csv": `${Array.from({ length: 1_000_000 }, (_, column) => `c${column}`).join(",")}\n`,
  "wider.csv": `${Array.from({ length: 3_000 }, (_, column) => `c${column}`).join(",")}\n${Array.from({ length: 3_000 }, () => "1").join(",")}\n`,
  "wide.json": `[${JSON.stringify(Object.fromEntries(Array.from({ length: 3_000 }, (_, column) => [`c${column}`, 1])))}]`,
  "tilde.csv": `${Array.from({ length: 3_000 }, (_, column) => `c${column}`).join("~")}\n`,
  "ever-new.ndjson": rows((row) => JSON.stringify(Object.fromEntries(Array.from({ length: 200 }, (_, key) => [`k${row}_${key}`, 1])))),
  "broken.parquet": "PAR1 and nothing more",
  "broken.csv.gz": "not gzip",
  "broken.json": '{"a": [1, 2',
  "few.csv": "a,kind\n1,x\n2,y\n3,x\n",
  "numbers.csv": `a,id\n${rows((row) => `${row},${row}`, 300)}`,
  "notes.docx": "no data",
};

type Case = readonly [name: string, input: Record<string, unknown>, code: string, message: RegExp];
const on = (path: string, more: Record<string, unknown> = {}) => ({
  ...CLASSIFY,
  id_columns: undefined,
  data_source: { type: "file", path },
  ...more,
});
const CASES: readonly Case[] = [
  ["a missing file", on("none.csv"), "VALIDATION_ERROR", /no file "none.csv" in the data folder; there are .*"flowers.csv"/],
  ["a file outside", on("../../../etc/passwd"), "VALIDATION_ERROR", /"..\/..\/..\/etc\/passwd" is no data by its name/],
  ["data outside", on("../../../etc/passwd.csv"), "VALIDATION_ERROR", /no file "..\/..\/..\/etc\/passwd.csv" in the data folder/],
  ["an absolute path", on("/etc/passwd"), "VALIDATION_ERROR", /"\/etc\/passwd" is no data by its name/],
  ["a link that leads outside", on("link.csv"), "VALIDATION_ERROR", /no file "link.csv"/],
  ["a folder", on("."), "VALIDATION_ERROR", /"\." is no data by its name/],
  ["an empty file", on("empty.csv"), "VALIDATION_ERROR", /"empty.csv" is empty/],
  ["a file of names only", on("header.csv"), "VALIDATION_ERROR", /"header.csv" holds no rows/],
  ["a format nobody knows", on("notes.docx"), "VALIDATION_ERROR", /"notes.docx" is no data by its name; data ends in .csv/],
  ["a hidden file", on(".hidden.csv"), "VALIDATION_ERROR", /no file ".hidden.csv" in the data folder/],
  ["a file in a hidden folder", on(".git/config.csv"), "VALIDATION_ERROR", /no file ".git\/config.csv" in the data folder/],
  ["a link to what is no data", on("key.csv"), "VALIDATION_ERROR", /no file "key.csv" in the data folder/],
  ["a hard link", on("hard.csv"), "VALIDATION_ERROR", /"hard.csv" has other names on this disk/],
  ["a file over the limit", on("huge.csv"), "VALIDATION_ERROR", /"huge.csv" has 10,000 MB, more than the 4,000 MB/],
  ["a million columns", on("wide.csv"), "VALIDATION_ERROR", /first line of "wide.csv" is longer than 2 MB|has about 1,000,000 columns/],
  ["too many columns", on("wider.csv"), "VALIDATION_ERROR", /"wider.csv" has about 3,000 columns; at most 2,000/],
  ["too many columns as JSON", on("wide.json"), "VALIDATION_ERROR", /3,000 columns; at most 2,000/],
  [
    "too many columns between delimiters of its own",
    on("tilde.csv", { data_source: { type: "file", path: "tilde.csv", config: { delimiter: "~" } } }),
    "VALIDATION_ERROR",
    /"tilde.csv" has about 3,000 columns; at most 2,000/,
  ],
  ["rows that share no key", on("ever-new.ndjson"), "VALIDATION_ERROR", /"ever-new.ndjson" has more than 10,000 columns; at most 2,000/],
  [
    "too many rows",
    on("flowers.csv", { data_source: { type: "file", path: "flowers.csv", config: { max_rows: 10 } } }),
    "VALIDATION_ERROR",
    /more than 10 rows; raise max_rows/,
  ],
  ["broken Parquet", on("broken.parquet"), "PROCESSING_FAILED", /"broken.parquet" cannot be read as parquet/],
  ["broken gzip", on("broken.csv.gz"), "PROCESSING_FAILED", /"broken.csv.gz" cannot be unpacked: it is no gzip file, or damaged/],
  ["broken JSON", on("broken.json"), "PROCESSING_FAILED", /"broken.json" cannot be read as json/],
  ["one class only", on("one-class.csv"), "PROCESSING_FAILED", /"kind" has only one class \("rose"\)/],
  [
    "a target with gaps",
    on("gaps.csv"),
    "PROCESSING_FAILED",
    /"kind" has no value in 1 rows, the first of them row 12.*missing_target to "drop"/,
  ],
  [
    "constant features",
    on("constant.csv", { id_columns: ["n"] }),
    "PROCESSING_FAILED",
    /No column is left to learn from \("a": constant: 7 in every training row; "b": constant: "same"/,
  ],
  [
    "a word among numbers",
    { ...on("words.csv"), pipeline: "regression", target: "price" },
    "PROCESSING_FAILED",
    /"price" has 1 values that are not finite numbers, such as "cheap"; the first row without a number is 6/,
  ],
  [
    "words for a number",
    { ...on("all-words.csv"), pipeline: "regression", target: "price" },
    "PROCESSING_FAILED",
    /"price" has 60 values that are not finite numbers, such as "p0".*row without a number is 1/,
  ],
  ["a number for a class", on("numbers.csv", { target: "id" }), "PROCESSING_FAILED", /"id" has more than 200 different values.*regression/],
  ["a list for a feature", on("nested.ndjson", { features: ["list"] }), "VALIDATION_ERROR", /features: "list" is of type JSON/],
  [
    "an unknown target",
    on("flowers.csv", { target: "sort" }),
    "VALIDATION_ERROR",
    /target: the data has no column "sort"; it has "id", "width"/,
  ],
  [
    "an unknown feature",
    on("flowers.csv", { features: ["width", "depth"] }),
    "VALIDATION_ERROR",
    /features: the data has no column "depth"/,
  ],
  ["an unknown id", on("flowers.csv", { id_columns: ["key"] }), "VALIDATION_ERROR", /id_columns: the data has no column "key"/],
  ["three rows", on("few.csv"), "PROCESSING_FAILED", /There are 3 rows to learn from, too few; 20/],
  [
    "more clusters than rows",
    { ...on("few.csv"), pipeline: "clustering", target: undefined, options: { clusters: 50 } },
    "PROCESSING_FAILED",
    /options.clusters: 50 clusters cannot be made of 3 rows/,
  ],
  [
    "an unknown model",
    on("flowers.csv", { options: { model_id: "r9" } }),
    "VALIDATION_ERROR",
    /options.model_id: your request "r9" has no saved model/,
  ],
  ["an unknown earlier output", on("request:r9/predictions.json"), "VALIDATION_ERROR", /your request "r9" has no file "predictions.json"/],
];

describe("bad input is a typed error that says what to do, and leaves nothing behind:", () => {
  it.each(CASES)("%s", async (_, input, code, message) => {
    const folder = await dataFolder(FILES);
    await symlink("/etc/passwd", join(folder, "link.csv"));
    await writeFile(join(folder, "huge.csv"), "a,b\n");
    await truncate(join(folder, "huge.csv"), 10_000_000_000);
    await mkdir(join(folder, ".git"));
    for (const name of [".hidden.csv", ".git/config.csv", "secret-key", "elsewhere.csv"]) await writeFile(join(folder, name), "a,b\n1,2\n");
    await symlink("secret-key", join(folder, "key.csv"));
    await link(join(folder, "elsewhere.csv"), join(folder, "hard.csv"));
    const blobsFolder = await temporaryFolder();
    const handler = await handlerOn(folder);
    const run = await startRun(handler, input, { blobsFolder });
    const error = await run.result.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "Fatal", code });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain(folder);
    expect(await readdir(blobsFolder)).toEqual([]);
    expect(existsSync(run.scratchFolder)).toBe(false);
  });
});
