import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SavedModel } from "../../src/process-data/learning/saved-model.ts";
import { CLASSIFY, dataFolder, flowers, handlerOn, processed } from "./runs.ts";

const input = (more: Record<string, unknown> = {}) => ({
  ...CLASSIFY,
  output: { format: "csv" },
  options: { model: "logistic", encoding: "target", outliers: "clip", derived_features: ["products", "squares", "logs"], ...more },
});

async function learned(csv: string, payload: unknown) {
  const { run, output, result } = await processed(await handlerOn(await dataFolder({ "flowers.csv": csv })), payload);
  const model = JSON.parse(await readFile(join(run.blobsFolder, "model.json"), "utf8")) as SavedModel;
  const [header, ...lines] = output.trimEnd().split("\n");
  const at = header!.split(",").indexOf("part");
  return { model, result, parts: new Map(lines.map((line) => [line.split(",")[1]!, line.split(",")[at]!])) };
}

/** The same rows with other values, and other labels or their own, in those that `changes` picks. */
function changed(csv: string, changes: (id: string) => boolean, labels: "other labels" | "their labels" = "other labels"): string {
  const [header, ...lines] = csv.split("\n");
  const spoiled = lines.map((line) => {
    const cells = line.split(",");
    if (!changes(cells[0]!)) return line;
    const [id, , , , , , , kind, ...rest] = cells;
    const label = labels === "their labels" ? kind : kind === "iris" ? "rose" : "iris";
    return [id, "-9999,1e6,violet,77,1990-01-01,-5e5", label, ...rest].join(",");
  });
  return [header, ...spoiled].join("\n");
}

describe("what is learned", () => {
  const csv = flowers(300);
  const dated = csv
    .split("\n")
    .map((line, at) => `${line},${at === 0 ? "seen" : (at * 7) % 301}`)
    .join("\n");
  const later = { split_by: "time", time_column: "seen" };

  it.each([
    ["mutual_information", csv, "their labels", {}],
    ["importance", csv, "their labels", {}],
    ["mutual_information", dated, "other labels", later],
    ["importance", dated, "other labels", later],
  ] as const)("depends on no test row: other values in them change nothing (%s, %#)", async (feature_selection, rows, labels, split) => {
    const payload = input({ feature_selection, max_features: 8, ...split });
    const first = await learned(rows, payload);
    const isTest = (id: string): boolean => first.parts.get(id) === "test";
    const second = await learned(changed(rows, isTest, labels), payload);
    expect(second.parts).toEqual(first.parts);
    expect([...first.parts.values()].filter((part) => part === "test").length).toBeGreaterThan(30);
    expect(second.model.recipe).toEqual(first.model.recipe);
    expect(second.model.model).toEqual(first.model.model);
    // The metrics do see them: otherwise nothing was tested.
    expect(second.result.metrics.accuracy).not.toEqual(first.result.metrics.accuracy);
    const third = await learned(
      changed(rows, (id) => !isTest(id) && Number(id.slice(1)) < 20, "their labels"),
      payload,
    );
    expect(third.model.recipe).not.toEqual(first.model.recipe);
  });

  it("is split by id, whatever the order of the rows", async () => {
    const first = await learned(csv, input());
    const [header, ...lines] = csv.split("\n");
    const second = await learned([header, ...lines.toReversed()].join("\n"), input());
    expect(second.parts).toEqual(new Map([...first.parts].toReversed()));
    const third = await learned(csv, input({ seed: 7 }));
    expect(third.parts).not.toEqual(first.parts);
  });

  it("from target means is not each row's own target", async () => {
    // A column that is nearly an id tells nothing: a model that believed its means would be sure on training rows alone.
    const rows = Array.from({ length: 400 }, (_, row) => `${row},g${row % 150},${(row * 7) % 13},${(row * 31) % 97 < 48 ? "a" : "b"}`);
    const handler = await handlerOn(await dataFolder({ "flowers.csv": ["id,group,x,kind", ...rows].join("\n") }));
    const { output } = await processed(handler, {
      ...CLASSIFY,
      output: { format: "csv" },
      options: { model: "logistic", encoding: "target", calibration: false },
    });
    const lines = output
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => line.split(","));
    const share = (part: string): number => {
      const own = lines.filter((cells) => cells.at(-1) === part);
      return own.filter((cells) => cells[2] === cells[3]).length / own.length;
    };
    expect(share("train") - share("test")).toBeLessThan(0.2);
  });
});

describe("the same seed and data", () => {
  it.each(["logistic", "boosting", "forest"])("give the same predictions to the last digit (%s)", async (model) => {
    const handler = await handlerOn(await dataFolder({ "flowers.csv": flowers(240) }));
    const [first, second] = [
      await processed(handler, { ...CLASSIFY, options: { model } }),
      await processed(handler, { ...CLASSIFY, options: { model } }),
    ];
    expect(second.output).toBe(first.output);
    expect(second.result.metrics).toEqual(first.result.metrics);
    expect(second.result.data.fingerprint).toBe(first.result.data.fingerprint);
  });

  it.each([
    ["clustering", {}],
    ["anomaly", {}],
    ["transformation", {}],
  ])("give the same %s", async (pipeline, options) => {
    const handler = await handlerOn(await dataFolder({ "flowers.csv": flowers(240) }));
    const payload = { pipeline, data_source: CLASSIFY.data_source, id_columns: ["id"], features: ["width", "height", "size"], options };
    expect((await processed(handler, payload)).output).toBe((await processed(handler, payload)).output);
  });
});
