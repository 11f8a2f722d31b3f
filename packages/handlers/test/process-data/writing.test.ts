/** Files as people bring them: numbers, days, letters and names of every kind are read as they are meant, or refused in words. */
import { describe, expect, it } from "vitest";
import { dataFolder, failure, handlerOn, processed } from "./runs.ts";

const rows = (count: number, line: (row: number) => string): string => Array.from({ length: count }, (_, row) => line(row)).join("\n");
const file = (path: string, config = {}) => ({ type: "file", path, config });
const plain = (names: readonly string[], config = {}) => ({
  pipeline: "transformation",
  data_source: file("t.csv", config),
  features: names,
  options: { model: "none", scaling: "none", missing_indicators: false, preview_rows: 0 },
});

async function features(csv: string | Uint8Array, names: readonly string[], config = {}) {
  const { output, result } = await processed(await handlerOn(await dataFolder({ "t.csv": csv })), plain(names, config));
  return { result, rows: JSON.parse(output) as Record<string, number>[] };
}
const refusal = async (csv: string, names: readonly string[]) =>
  (await failure(await handlerOn(await dataFolder({ "t.csv": csv })), plain(names))).message;

describe("numbers", () => {
  it.each([
    ["commas and points", (value: number) => value.toLocaleString("de-DE", { minimumFractionDigits: 2 })],
    ["commas and blanks", (value: number) => value.toLocaleString("fr-FR", { minimumFractionDigits: 2 })],
    ["points and commas", (value: number) => value.toLocaleString("en-US", { minimumFractionDigits: 2 })],
    ["points and apostrophes", (value: number) => value.toLocaleString("de-CH", { minimumFractionDigits: 2 })],
    ["as in India", (value: number) => value.toLocaleString("en-IN", { minimumFractionDigits: 2 })],
    ["points alone", (value: number) => value.toFixed(2)],
  ])("with %s are the numbers they are", async (_, written) => {
    const value = (row: number): number => ((row * 997_331) % 500_000_000) / 100;
    const { rows: found, result } = await features(`a;b\n${rows(60, (row) => `${written(value(row))};${row}`)}`, ["a"]);
    expect(found.map(({ a }) => a)).toEqual(Array.from({ length: 60 }, (__, row) => value(row)));
    expect(result.data.unreadable_cells).toEqual({});
  });

  it("that may be either of two are settled by another column, or by the request, or refused", async () => {
    const doubtful = `a;b\n${rows(40, (row) => `${1 + (row % 9)},${100 + row};${row}`)}`;
    expect(await refusal(doubtful, ["a"])).toMatch(
      /data_source.config: column "a" holds values such as "1,100".*set data_source.config.decimal to/,
    );
    expect((await features(doubtful, ["a"], { decimal: "," })).rows[0]!.a).toBe(1.1);
    expect((await features(doubtful, ["a"], { decimal: "." })).rows[0]!.a).toBe(1_100);
    const settled = `a;b\n${rows(40, (row) => `${1 + (row % 9)},${100 + row};${row},5`)}`;
    expect((await features(settled, ["a", "b"])).rows[1]).toMatchObject({ a: 2.101, b: 1.5 });
    const points = `a;b\n${rows(40, (row) => `${1 + (row % 9)}.${100 + row};${row},5`)}`;
    expect((await features(points, ["a", "b"])).rows[1]).toMatchObject({ a: 2_101, b: 1.5 });
  });

  it.each([
    (value: number) => `${value},50 €`,
    (value: number) => `$${value}.50`,
    (value: number) => `${value}%`,
    (value: number) => `(${value})`,
  ])("with a currency or a sign are texts, and that is said (%#)", async (written) => {
    const { result } = await features(`a;b\n${rows(60, (row) => `${written(row % 9)};${row % 7}`)}`, ["a", "b"]);
    expect(result.warnings).toMatchObject([{ kind: "numbers_in_texts", column: "a" }]);
  });

  it("that are infinite cannot be read, and are counted", async () => {
    const folder = await dataFolder({ "t.json": rows(60, (row) => JSON.stringify({ a: row, b: row % 7 })) });
    const query = "SELECT CASE WHEN a < 2 THEN 'inf'::DOUBLE WHEN a < 5 THEN 'nan'::DOUBLE ELSE a END AS a, b FROM 't.json'";
    const { result } = await processed(await handlerOn(folder), { ...plain(["a", "b"]), data_source: { type: "query", query } });
    expect(result.warnings[0]).toMatchObject({ kind: "unreadable_cells", column: "a", count: 2 });
  });

  it("with zeros in front are codes", async () => {
    const { result } = await features(`zip;b\n${rows(40, (row) => `0${1000 + (row % 5)};${row}`)}`, ["zip", "b"]);
    expect(result.features).toMatchObject({ count: 6 });
  });
});

describe("days", () => {
  const day = (row: number): readonly [string, string, number] => [
    String(1 + (row % 28)).padStart(2, "0"),
    String(1 + (row % 12)).padStart(2, "0"),
    row % 28,
  ];
  it.each([
    ["15.02.2024", (d: string, m: string) => `${d}.${m}.2024`],
    ["15/02/2024", (d: string, m: string) => `${d}/${m}/2024`],
    ["02/15/2024", (d: string, m: string) => `${m}/${d}/2024`],
    ["15-02-24 10:30", (d: string, m: string) => `${d}/${m}/24 00:00`],
    ["2024-02-15", (d: string, m: string) => `2024-${m}-${d}`],
  ])("such as %s are days", async (_, written) => {
    const { rows: found } = await features(`a;b\n${rows(60, (row) => `${written(day(row)[0], day(row)[1])};${row}`)}`, ["a"]);
    expect(found.map(({ a }) => a)).toEqual(Array.from({ length: 60 }, (__, row) => Date.UTC(2024, row % 12, 1 + (row % 28)) / 86_400_000));
  });

  it("with an offset are moments in UTC, whatever stands beside them", async () => {
    const written = (row: number): string => {
      const d = String(10 + (row % 15));
      const next = String(11 + (row % 15));
      const ways = [`${next}T00:30:00+02:00`, `${d} 22:30:00`, `${d}T22:30:00Z`, `${d} 17:30:00.000-0500`, `${d}T23:30:00+01`];
      return `2024-03-${ways[row % 5]}`;
    };
    const { rows: found, result } = await features(`t;b\n${rows(60, (row) => `${written(row)};${row}`)}`, ["t"]);
    expect(result.data.unreadable_cells).toEqual({});
    expect(found.map(({ t }) => t)).toEqual(
      Array.from({ length: 60 }, (_, row) => Date.UTC(2024, 2, 10 + (row % 15), 22, 30) / 86_400_000),
    );
  });

  it("that may have the day or the month in front are read as the request says, or refused", async () => {
    const doubtful = `a;b\n${rows(40, (row) => `0${1 + (row % 9)}/0${1 + (row % 7)}/2024;${row}`)}`;
    expect(await refusal(doubtful, ["a"])).toMatch(
      /column "a" holds values such as "01\/01\/2024".*date_format to "%d\/%m\/%Y" or "%m\/%d\/%Y"/,
    );
    expect((await features(doubtful, ["a"], { date_format: "%m/%d/%Y" })).rows[1]!.a).toBe(Date.UTC(2024, 1, 2) / 86_400_000);
  });
});

describe("letters and lines", () => {
  it("of windows-1252 are read, and that they were guessed is said", async () => {
    const text = `Ort;x\r\n${rows(40, (row) => `${["Köln", "Fürth"][row % 2]};${row}`).replaceAll("\n", "\r\n")}`;
    const { result } = await features(Buffer.from(text, "latin1"), ["Ort", "x"]);
    expect(result.warnings).toMatchObject([
      { kind: "guessed_encoding", message: expect.stringMatching(/"t.csv".*windows-1252.*config.encoding/) as string },
    ]);
    expect(result.data).toMatchObject({ files: [{ name: "t.csv", encoding: "windows-1252", delimiter: ";", header: true }] });
  });

  it("that end in two ways, and names of two lines, are read", async () => {
    const text = `id,"two\nlines",b\r\n${rows(60, (row) => `i${row},${row % 7},${(row * 3) % 5}\r`)}\n`;
    const { rows: found } = await features(text, ["two\nlines", "b"]);
    expect(found).toHaveLength(60);
    expect(found[8]).toMatchObject({ "two\nlines": 1, b: 4 });
    const mixed = await features(`a,b\r\n${rows(30, (row) => `${row},${row * 2}${row % 2 ? "\r" : ""}`)}\n`, ["a", "b"]);
    expect(mixed.rows.map(({ a }) => a)).toEqual(Array.from({ length: 30 }, (_, row) => row));
  });

  it("of JSON may begin with a byte order mark, and names may differ in their case", async () => {
    const objects = Array.from({ length: 40 }, (_, row) => ({ id: `a${row}`, Id: row, "": row % 3, v: (row * 7) % 5 }));
    const folder = await dataFolder({
      "t.json": `\uFEFF${JSON.stringify(objects)}`,
      "t.ndjson": `\uFEFF${objects.map((one) => JSON.stringify(one)).join("\n")}`,
    });
    for (const path of ["t.json", "t.ndjson"]) {
      const input = { ...plain(["v", "Id_1", "column"]), data_source: file(path), id_columns: ["id"] };
      const { result, output } = await processed(await handlerOn(folder), input);
      expect((JSON.parse(output) as Record<string, unknown>[]).map(({ id, Id_1 }) => [id, Id_1])).toEqual(
        objects.map(({ id, Id }) => [id, Id]),
      );
      expect(result.warnings).toMatchObject([{ kind: "renamed_columns", count: 2 }]);
    }
  });

  it("that cannot be read are named by line, with what to do and without DuckDB's candidates", async () => {
    const folder = await dataFolder({
      "t.json": '[{"a": 1},\n{"a": }]',
      "t.csv": `a;b\n"x;1\n${rows(50, (row) => `y;${row};"z`)}`,
      "list.json": "[1, 2, 3]",
    });
    const handler = await handlerOn(folder);
    const message = async (path: string): Promise<string> => (await failure(handler, { ...plain(["a"]), data_source: file(path) })).message;
    expect(await message("t.json")).toMatch(/"t.json" cannot be read as json: value \d+, byte \d+, is no JSON/);
    expect(await message("list.json")).toMatch(/"list.json" cannot be read as json: it holds values that are no objects/);
    const csv = await message("t.csv");
    expect(csv).not.toMatch(/Candidates|data-[0-9a-f]{8}/);
  });
});

describe("texts that often mean nothing", () => {
  const C = ["DE", "NA", "FR", "None"];
  const csv = `id;country;z\n${rows(80, (row) => `${C[row % 4]}${row};${C[row % 4]};${(row * 7) % 11}`)}`;

  it("are classes and ids as they are written, and that is said", async () => {
    const handler = await handlerOn(await dataFolder({ "t.csv": csv }));
    const input = {
      pipeline: "classification",
      data_source: file("t.csv"),
      target: "country",
      features: ["z"],
      id_columns: ["country", "id"],
      options: { model: "baseline" },
    };
    const { result } = await processed(handler, { ...input, id_columns: ["id"] });
    expect(Object.keys(result.metrics.per_class as object).toSorted()).toEqual(C.toSorted());
    expect(result.warnings).toMatchObject([
      { kind: "null_texts", column: "country", message: expect.stringMatching(/"NA", "None" among its classes/) as string },
    ]);
    const { output } = await processed(handler, { ...plain(["z"]), id_columns: ["country"] });
    expect((JSON.parse(output) as { country: string }[]).map(({ country }) => country)).toEqual(
      Array.from({ length: 80 }, (_, row) => C[row % 4]),
    );
  });

  it("count as missing in features, unless the request says otherwise", async () => {
    const { result } = await features(csv, ["country", "z"]);
    expect(result.warnings).toMatchObject([{ kind: "null_texts", column: "country", count: 40 }]);
    const kept = await features(csv, ["country", "z"], { null_values: [""] });
    expect(kept.result).toMatchObject({ warnings: [], features: { count: 5 } });
  });
});

describe("whole numbers beyond 2^53 and names alike", () => {
  it("come back as they are, in the output and in the preview", async () => {
    const ids = Array.from({ length: 30 }, (_, row) => String(9_007_199_254_740_993n + 2n * BigInt(row)));
    const folder = await dataFolder({
      "t.ndjson": rows(30, (row) => `{"id": ${ids[row]}, "small": ${row}, "v": ${(row * 7) % 5}, "w": ${row % 3}}`),
      "t.csv": `id,v,w\n${rows(30, (row) => `${ids[row]},${(row * 7) % 5},${row % 3}`)}`,
    });
    const handler = await handlerOn(folder);
    for (const source of [file("t.ndjson"), file("t.csv"), { type: "query", query: 'SELECT id::BIGINT AS id, v, w FROM "t.ndjson"' }]) {
      const { output, result } = await processed(handler, {
        ...plain(["v", "w"]),
        data_source: source,
        id_columns: ["id"],
        options: { model: "none", preview_rows: 3 },
      });
      expect((JSON.parse(output) as { id: string }[]).map(({ id }) => id)).toEqual(ids);
      expect(result.preview.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    }
    const small = await processed(handler, { ...plain(["v", "w"]), data_source: file("t.ndjson"), id_columns: ["small"] });
    expect((JSON.parse(small.output) as { small: number }[])[7]!.small).toBe(7);
  });

  it("classes that differ in their case have a column each in every format", async () => {
    const classes = ["Yes", "yes", "YES", "no"];
    const handler = await handlerOn(
      await dataFolder({ "t.csv": `a,y\n${rows(80, (row) => `${(row % 4) + ((row * 7) % 10) / 30},${classes[row % 4]}`)}` }),
    );
    for (const format of ["json", "csv", "parquet"]) {
      const { result } = await processed(handler, {
        pipeline: "classification",
        data_source: file("t.csv"),
        target: "y",
        output: { format },
        options: { model: "logistic" },
      });
      expect(Object.keys(result.preview[0]!).filter((name) => name.startsWith("p_"))).toEqual(["p_YES", "p_Yes_1", "p_no", "p_yes_2"]);
      expect(result.warnings).toMatchObject([{ kind: "renamed_columns", count: 2 }]);
    }
  });
});
