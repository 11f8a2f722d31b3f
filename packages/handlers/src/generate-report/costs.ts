/**
 * What the stages of a report should take, in ms on two cores: by these the bar is divided. Measured by
 * `npm run bench -- progress-pace`; what counts is how they compare, within a factor of two.
 */
import type { Costs } from "../stages.ts";
import type { ReportInput } from "./input.ts";

export type Stage = "query" | "process" | "generate" | "finalize";

/** Of an order line in a text file: a guess for files that nobody has read. */
const BYTES_A_LINE = 60;

/** Of writing so many lines; a PDF prints a bounded number of them, and lays out its pages whatever they are. */
const GENERATE: Readonly<Record<ReportInput["format"], (lines: number) => number>> = {
  pdf: (lines) => 600 + 0.5 * Math.min(lines, 2_000),
  csv: (lines) => 50 + 0.0035 * lines,
  excel: (lines) => 150 + 0.018 * lines,
};

/** `lines` are those of the period; until they are known, all that files of so many bytes may hold. */
export function stageCosts({ format }: ReportInput, sourceBytes: number, lines: number = sourceBytes / BYTES_A_LINE): Costs<Stage> {
  return {
    query: 600 + (0.004 * sourceBytes) / BYTES_A_LINE,
    process: 250 + 0.0025 * lines,
    generate: GENERATE[format](lines),
    finalize: 10,
  };
}
