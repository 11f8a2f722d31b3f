import { describe, expect, it } from "vitest";
import { processInput } from "../../src/process-data/input.ts";

const file = { type: "file", path: "a.csv" };
const issuesOf = (input: unknown): string[] =>
  processInput.safeParse(input).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

describe("the payload of process_data", () => {
  it("needs little, and fills in every option", () => {
    const input = processInput.parse({ pipeline: "clustering", data_source: file });
    expect(input.output).toEqual({ format: "json" });
    expect(input.data_source).toMatchObject({ config: { bad_row_limit: 0.01, max_rows: 5_000_000 } });
    expect(input.options).toMatchObject({
      model: "auto",
      test_fraction: 0.2,
      folds: 0,
      seed: 42,
      clusters: "auto",
      confidence_threshold: 0.5,
    });
  });

  it.each([
    [{ pipeline: "guessing", data_source: file }, "pipeline"],
    [{ pipeline: "clustering", data_source: { type: "ftp", path: "x" } }, "data_source.type"],
    [{ pipeline: "clustering", data_source: { type: "stream", stream_id: "../x" } }, "data_source.stream_id"],
    [{ pipeline: "clustering", data_source: { type: "query", query: "  " } }, "data_source.query"],
    [{ pipeline: "classification", data_source: file }, "target: classification needs the column to predict"],
    [{ pipeline: "regression", data_source: file, target: "y", features: ["y"] }, 'features: must not hold the target "y"'],
    [{ pipeline: "regression", data_source: file, target: "y", id_columns: ["y"] }, 'id_columns: must not hold the target "y"'],
    [{ pipeline: "clustering", data_source: file, features: ["a", "a"] }, 'features: names "a" twice'],
    [
      { pipeline: "clustering", data_source: file, options: { model: "ridge" } },
      "options.model: clustering has the models baseline, kmeans and auto",
    ],
    [{ pipeline: "anomaly", data_source: file, options: { folds: 5 } }, "options.folds"],
    [{ pipeline: "clustering", data_source: file, options: { feature_selection: "importance" } }, "options.feature_selection"],
    [{ pipeline: "clustering", data_source: file, options: { folds: 1 } }, "options.folds"],
    [{ pipeline: "clustering", data_source: file, options: { test_fraction: 2 } }, "options.test_fraction"],
    [{ pipeline: "clustering", data_source: file, options: { sead: 1 } }, "options: Unrecognized key"],
    [{ pipeline: "clustering", data_source: file, output: { format: "xml" } }, "output.format"],
    [{ pipeline: "clustering", data_source: file, output: { destination: "a/b" } }, "output.destination"],
  ])("refuses %j", (input, expected) => {
    expect(issuesOf(input).join("\n")).toContain(expected);
  });
});
