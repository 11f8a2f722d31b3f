/** What a run answers. How it comes about is in outputs/result.ts. */
import * as z from "zod";
import { jsonRecord } from "../json-record.ts";
import { warnings } from "../warnings.ts";
import { OUTPUT_FORMATS, PIPELINES } from "./input.ts";

export const processOutput = z.object({
  pipeline: z.enum(PIPELINES),
  warnings,
  url: z.string().describe("The output file, until expires_at."),
  expires_at: z.string().describe("ISO 8601."),
  size_bytes: z.int(),
  format: z.enum(OUTPUT_FORMATS),
  rows: z.int().describe("Rows in the output file."),
  summary: z.string(),
  metrics: jsonRecord.describe("How good the model is on held-out rows, by the measures of its pipeline."),
  model: jsonRecord.describe(
    "Which model, why, its card, its report with plots as one HTML page (report_url, until report_expires_at), and the model_id to score other data with.",
  ),
  features: jsonRecord,
  data: jsonRecord.describe("What was read, and what was left out."),
  preview: z.array(jsonRecord).describe("The first rows of the output file."),
  timings: jsonRecord.describe("Milliseconds by stage."),
});
export type ProcessResult = z.infer<typeof processOutput>;
