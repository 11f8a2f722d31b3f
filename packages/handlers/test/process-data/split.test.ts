/** Rows that repeat are observations, and how rows are divided depends on nothing that they hold but their ids, class and time. */
import { describe, expect, it } from "vitest";
import { CLASSIFY, dataFolder, failure, flowers, handlerOn, processed } from "./runs.ts";

type Row = Record<string, string | number | null>;
const rowsOf = (output: string): Row[] => JSON.parse(output) as Row[];
const share = (rows: readonly Row[], test: (row: Row) => boolean): number => rows.filter(test).length / rows.length;

/** Three categorical columns and an answer that follows from them by chance: 144 different rows, however many there are. */
function survey(rows: number): string {
  let state = 7;
  const random = (): number => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
  const lines = Array.from({ length: rows }, () => {
    const [age, town, plan] = [Math.floor(random() * 6), Math.floor(random() * 4), Math.floor(random() * 3)];
    const yes = 1 / (1 + Math.exp(-(age - 2.5 + 0.6 * (town - 1.5) - 1.2 * (plan === 2 ? 1 : 0))));
    return `age${age},town${town},plan${plan},${random() < yes ? "yes" : "no"}`;
  });
  return ["age,town,plan,answer", ...lines].join("\n");
}

/**
 * scikit-learn 1.2.1 of Debian (python3-sklearn) on the same 20,000 rows: LogisticRegression behind OneHotEncoder, mean of
 * roc_auc over StratifiedKFold(5, shuffle=True, random_state=0); their standard deviation is 0.0056.
 */
const SKLEARN_AUC = 0.8662;

const SURVEY = { pipeline: "classification", data_source: { type: "file", path: "survey.csv" }, target: "answer" };

describe("rows that repeat", () => {
  it.each([
    ["a test part", {}],
    ["folds", { folds: 5 }],
  ])("are learned from and scored like any others, as well as scikit-learn does (%s)", async (_, options) => {
    const handler = await handlerOn(await dataFolder({ "survey.csv": survey(20_000) }));
    const { result, output } = await processed(handler, { ...SURVEY, options: { model: "logistic", ...options } });
    expect(result).toMatchObject({ rows: 20_000, warnings: [], data: { rows: 20_000, duplicates: 0 } });
    expect(Math.abs((result.metrics.roc_auc as number) - SKLEARN_AUC)).toBeLessThan(0.015);
    const rows = rowsOf(output);
    expect(rows.map(({ row }) => row)).toEqual(rows.map((__, at) => at + 1));
    expect(rows.every(({ prediction }) => prediction === "yes" || prediction === "no")).toBe(true);
    // Each class has its share in each part, and equal rows are on all sides.
    const parts = Map.groupBy(rows, ({ part }) => part);
    expect(parts.size).toBe("folds" in options ? 5 : 2);
    const all = share(rows, ({ actual }) => actual === "yes");
    for (const part of parts.values()) expect(share(part, ({ actual }) => actual === "yes")).toBeCloseTo(all, 3);
  });

  it("are left out of learning by option, where an id says that they are the same row, and scored all the same", async () => {
    const [header, ...lines] = flowers(90).split("\n");
    const other = lines[0]!.replace(/^f0,/, "f900,");
    const handler = await handlerOn(await dataFolder({ "flowers.csv": [header, ...lines, ...lines.slice(0, 7), other].join("\n") }));
    const { result, output } = await processed(handler, { ...CLASSIFY, options: { model: "logistic", duplicates: "drop" } });
    expect(result).toMatchObject({ rows: 98, data: { rows: 98, duplicates: 7 } });
    expect(result.warnings).toEqual([
      { kind: "repeated_rows", message: "7 rows were taken for repeats by options.duplicates, and scored only.", count: 7 },
    ]);
    const rows = rowsOf(output);
    expect(rows.slice(90, 97).map(({ part }) => part)).toEqual(Array.from({ length: 7 }, () => "repeated"));
    expect(rows[97]).toMatchObject({ id: "f900", prediction: rows[0]!.prediction });
    expect(rows[97]!.part).not.toBe("repeated");
    expect(rows[90]).toMatchObject({ prediction: rows[0]!.prediction, confidence: rows[0]!.confidence });
    const refused = await failure(handler, { ...CLASSIFY, id_columns: undefined, options: { duplicates: "drop" } }).catch(String);
    expect(String(refused)).toMatch(/drop needs id_columns/);
  });
});

describe("rows without a target", () => {
  it.each([
    ["a test part", {}],
    ["folds", { folds: 3 }],
  ])("are left out of learning by option, and scored all the same (%s)", async (_, options) => {
    const [header, ...lines] = flowers(90).split("\n");
    const spoiled = lines.map((line, at) => (at % 9 === 4 ? line.replace(/,\w+$/, ",") : line));
    const handler = await handlerOn(await dataFolder({ "flowers.csv": [header, ...spoiled].join("\n") }));
    const { result, output } = await processed(handler, {
      ...CLASSIFY,
      options: { model: "logistic", missing_target: "drop", ...options },
    });
    expect(result).toMatchObject({ rows: 90, data: { missing_target: 10 } });
    expect(result.warnings).toMatchObject([{ kind: "missing_target", count: 10 }]);
    const rows = rowsOf(output);
    expect(rows[4]).toMatchObject({ actual: null, part: "no target", prediction: expect.any(String) as string });
    expect(rows.filter(({ part }) => part === "no target")).toHaveLength(10);
  });
});

describe("the split", () => {
  /** 60 customers of one to nine rows each. */
  const visits = (): string => {
    const lines = Array.from({ length: 60 }, (_, customer) =>
      Array.from(
        { length: 1 + ((customer * 5) % 9) },
        (__, visit) => `k${customer},${visit},${(customer * 7 + visit * 3) % 11},${(customer + visit) % 3 === 0 ? "back" : "gone"}`,
      ),
    ).flat();
    return ["customer,visit,spent,outcome", ...lines].join("\n");
  };

  it.each([
    ["a test part", {}, 2],
    ["folds", { folds: 4 }, 4],
  ])("keeps rows of one id together (%s)", async (_, options, parts) => {
    const handler = await handlerOn(await dataFolder({ "visits.csv": visits() }));
    const { output } = await processed(handler, {
      pipeline: "classification",
      data_source: { type: "file", path: "visits.csv" },
      target: "outcome",
      id_columns: ["customer"],
      options: { model: "logistic", ...options },
    });
    const rows = rowsOf(output);
    const sides = Map.groupBy(rows, ({ customer }) => customer);
    for (const side of sides.values()) expect(new Set(side.map(({ part }) => part)).size).toBe(1);
    expect(new Set(rows.map(({ part }) => part)).size).toBe(parts);
  });

  it("gives each class its share exactly, and a rare one to learning", async () => {
    const lines = Array.from(
      { length: 500 },
      (_, row) => `${row % 17},${row % 5},${row === 77 ? "once" : row % 50 === 3 ? "rare" : "common"}`,
    );
    const handler = await handlerOn(await dataFolder({ "rare.csv": ["a,b,kind", ...lines].join("\n") }));
    const { output } = await processed(handler, {
      pipeline: "classification",
      data_source: { type: "file", path: "rare.csv" },
      target: "kind",
      options: { model: "logistic" },
    });
    const tested = rowsOf(output).filter(({ part }) => part === "test");
    const of = (kind: string): number => tested.filter(({ actual }) => actual === kind).length;
    expect([of("rare"), of("once")]).toEqual([2, 0]);
    expect(Math.abs(of("common") - 97.8)).toBeLessThan(1);
  });

  it("by time tests on the latest rows, and never parts those of one moment", async () => {
    const lines = Array.from(
      { length: 200 },
      (_, row) => `${row % 9},2024-${String(1 + ((row * 7) % 10)).padStart(2, "0")}-01,${row % 2 ? "a" : "b"}`,
    );
    const handler = await handlerOn(await dataFolder({ "days.csv": ["x,day,kind", ...lines].join("\n") }));
    const payload = { pipeline: "classification", data_source: { type: "file", path: "days.csv" }, target: "kind" };
    const { output } = await processed(handler, { ...payload, options: { model: "logistic", split_by: "time", time_column: "day" } });
    const late = rowsOf(output).map(({ part }, row) => [part === "test", lines[row]!.slice(2, 12) >= "2024-09-01"]);
    expect(late.every(([isTest, isLate]) => isTest === isLate)).toBe(true);
    const refused = await failure(handler, { ...payload, options: { split_by: "time", time_column: "kind" } });
    expect(refused.message).toMatch(/options.time_column: the data|options.time_column: "kind" holds neither dates nor numbers/);
  });
});
