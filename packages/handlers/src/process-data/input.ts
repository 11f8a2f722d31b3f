/**
 * What process_data may be asked for. Everything that can be checked without opening the data is checked here. Options
 * that make no sense for a pipeline are refused rather than ignored.
 */
import * as z from "zod";
import { ENCODINGS } from "../files/encodings.ts";
import { NULL_TEXTS, type WritingRules } from "./preprocess/writing.ts";
import { MODELS, processOptions, type ProcessOptions } from "./options.ts";

export const PIPELINES = ["classification", "regression", "clustering", "anomaly", "transformation"] as const;
export type Pipeline = (typeof PIPELINES)[number];
export const FILE_FORMATS = ["csv", "json", "ndjson", "parquet", "xlsx"] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];
export const OUTPUT_FORMATS = ["json", "csv", "parquet"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** More columns than any table people make; a file of a million is a mistake, and is told so. */
export const MAX_COLUMNS = 2_000;
export const tooManyColumns = (what: string, columns: string): string =>
  `${what} has ${columns} columns; at most ${MAX_COLUMNS.toLocaleString("en-US")} can be read. Choose those that matter`;
const MAX_SQL_LENGTH = 20_000;
/** Names of channels and output files: what every file system and every log can show. */
const SIMPLE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
export const simpleName = z
  .string()
  .regex(SIMPLE_NAME, "must be up to 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit");

const column = z.string().min(1).max(200);
const columns = z.array(column).min(1).max(MAX_COLUMNS);

const whole = (min: number, max: number) => z.int().min(min).max(max);
const badRows = z.number().min(0).max(1).default(0.01).describe("share of the rows that may be unreadable before the run fails");
const maxRows = whole(1, 50_000_000).default(5_000_000).describe("more rows than this are an error");
/** How cells are written. What is not given is found out, and said; what could be two things is refused. */
const writing = {
  null_values: z
    .array(z.string().max(50))
    .max(20)
    .optional()
    .describe(
      `texts that mean a missing value; without it ${NULL_TEXTS.map((text) => JSON.stringify(text)).join(", ")}, in classes the empty text alone. Ids are kept as they are`,
    ),
  decimal: z.enum([".", ","]).optional().describe("mark before the fraction of numbers"),
  thousands: z.enum([",", ".", " ", "'"]).optional().describe("mark between groups of digits"),
  date_format: z
    .string()
    .max(50)
    .regex(/%[yY]/, "must hold %Y or %y, as in %d.%m.%Y")
    .optional()
    .describe("of days, with or without a time of day behind, such as %d.%m.%Y; ISO 8601 is always known"),
};
const encoding = z.enum(ENCODINGS).optional().describe("of text files; UTF-8, UTF-16 and windows-1252 are found out");

export const fileConfig = z.strictObject({
  bad_row_limit: badRows,
  max_rows: maxRows,
  encoding,
  delimiter: z.string().length(1).optional().describe("of CSV; detected when absent"),
  quote: z.string().length(1).optional().describe("of CSV; detected when absent"),
  header: z.boolean().optional().describe("whether CSV begins with column names; detected when absent"),
  sheet: z
    .union([whole(1, 1_000), z.string().min(1).max(100)])
    .optional()
    .describe("of a workbook, by number or name; the first when absent"),
  ...writing,
});
export type FileConfig = z.output<typeof fileConfig>;

export const queryConfig = z.strictObject({
  max_rows: maxRows,
  timeout_ms: whole(100, 600_000).default(60_000).describe("longest the query may run"),
  bad_row_limit: badRows,
  encoding,
  ...writing,
});
export type QueryConfig = z.output<typeof queryConfig>;

export const streamConfig = z.strictObject({
  max_rows: maxRows,
  bad_row_limit: badRows,
  idle_timeout_ms: whole(100, 3_600_000).default(60_000).describe("longest wait for the next rows of a channel"),
  ...writing,
});
export type StreamConfig = z.output<typeof streamConfig>;

const dataSource = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("file"),
    path: z.string().min(1).max(500),
    format: z.enum(FILE_FORMATS).optional(),
    config: fileConfig.prefault({}),
  }),
  z.strictObject({ type: z.literal("query"), query: z.string().trim().min(1).max(MAX_SQL_LENGTH), config: queryConfig.prefault({}) }),
  z.strictObject({ type: z.literal("stream"), stream_id: simpleName, config: streamConfig.prefault({}) }),
]);
export type DataSource = z.output<typeof dataSource>;

/** What the request says of how cells are written. */
export const writingRules = ({ data_source: { config } }: ProcessInput): WritingRules => config;

const needsTarget = (pipeline: unknown): boolean => pipeline === "classification" || pipeline === "regression";

export const processInput = z
  .strictObject({
    pipeline: z.enum(PIPELINES),
    data_source: dataSource,
    target: column.optional(),
    features: columns.optional(),
    id_columns: columns.optional(),
    output: z.strictObject({ format: z.enum(OUTPUT_FORMATS).default("json"), destination: simpleName.optional() }).prefault({}),
    options: processOptions.prefault({}),
  })
  .superRefine((input, context) => {
    for (const [path, message] of contradictions(input)) context.addIssue({ code: "custom", path: [...path], message });
  });
export type ProcessInput = z.output<typeof processInput>;

function* contradictions(input: Omit<ProcessInput, never>): Generator<readonly [readonly string[], string]> {
  const { pipeline, target, features, id_columns, options } = input;
  const scoring = options.model_id !== undefined;
  if (needsTarget(pipeline) && target === undefined && !scoring) yield [["target"], `${pipeline} needs the column to predict`];
  if (target !== undefined && features?.includes(target)) yield [["features"], `must not hold the target "${target}"`];
  if (target !== undefined && id_columns?.includes(target)) yield [["id_columns"], `must not hold the target "${target}"`];
  yield* repeated("features", features);
  yield* repeated("id_columns", id_columns);
  yield* wrongOptions(pipeline, options);
  yield* wrongMarks(input.data_source);
  if (options.duplicates === "drop" && id_columns === undefined)
    yield [["options", "duplicates"], "drop needs id_columns: rows that are equal without an id are observations of their own"];
}

function* repeated(field: string, names: readonly string[] = []): Generator<readonly [readonly string[], string]> {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) yield [[field], `names "${twice}" twice`];
}

function* wrongOptions(pipeline: Pipeline, options: ProcessOptions): Generator<readonly [readonly string[], string]> {
  const known: readonly string[] = MODELS[pipeline];
  const { model, folds, feature_selection } = options;
  if (model !== "auto" && !known.includes(model)) yield [["options", "model"], `${pipeline} has the models ${known.join(", ")} and auto`];
  if (folds > 0 && !needsTarget(pipeline)) yield [["options", "folds"], `${pipeline} has no target to validate against`];
  yield* wrongSplit(pipeline, options);
  yield* wrongDecision(pipeline, options);
  if (feature_selection !== "none" && !needsTarget(pipeline))
    yield [["options", "feature_selection"], `${pipeline} has no target that features could tell about`];
}

function* wrongMarks({ config }: DataSource): Generator<readonly [readonly string[], string]> {
  if (config.decimal !== undefined && config.decimal === config.thousands)
    yield [["data_source", "config", "thousands"], `must not be the decimal mark too ("${config.decimal}")`];
}

function* wrongSplit(
  pipeline: Pipeline,
  { split_by, time_column, folds }: ProcessOptions,
): Generator<readonly [readonly string[], string]> {
  const byTime = split_by === "time";
  if (byTime && !needsTarget(pipeline)) yield [["options", "split_by"], `${pipeline} holds no rows out`];
  if (byTime && time_column === undefined) yield [["options", "time_column"], "is what split_by time goes by: name a column"];
  if (!byTime && time_column !== undefined) yield [["options", "time_column"], 'is used by split_by "time" alone'];
  if (byTime && folds > 0) yield [["options", "folds"], "a split by time has one test part, the latest rows; leave folds at 0"];
}

const NUMBER_MEASURES: ReadonlySet<string> = new Set(["rmse", "mae"]);

function* wrongDecision(
  pipeline: Pipeline,
  { choose_by, decide_by, positive_class }: ProcessOptions,
): Generator<readonly [readonly string[], string]> {
  if (choose_by !== "auto" && (!needsTarget(pipeline) || NUMBER_MEASURES.has(choose_by) !== (pipeline === "regression"))) {
    yield [["options", "choose_by"], `${pipeline} cannot choose by ${choose_by}`];
  }
  if (decide_by !== "auto" && pipeline !== "classification")
    yield [["options", "decide_by"], `${pipeline} has no classes to decide between`];
  if (positive_class !== undefined && pipeline !== "classification")
    yield [["options", "positive_class"], `${pipeline} has no classes to look for`];
}
