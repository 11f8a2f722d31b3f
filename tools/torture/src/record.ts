/** Appends what a suite counted, with everything needed to repeat it, to a folder of results. */
import { join } from "node:path";
import { appendResult } from "../../../scripts/results.ts";
import type { Row, Size } from "./suite.ts";

export interface Record {
  readonly suite: string;
  readonly size: Size;
  readonly count: number;
  readonly unit: string;
  readonly seed: number;
  readonly seconds: number;
  readonly figures: readonly Row[];
  readonly broken: readonly string[];
}

/** Those of torture. */
export const RESULTS = join(import.meta.dirname, "../results");

export const record = (folder: string, outcome: Record): void => appendResult(join(folder, `${outcome.suite}.json`), outcome);
