/** The warnings of a run, gathered from what its stages found: the same list in the result, the card and the report. */
import type { Warning } from "../../warnings.ts";
import { encodingWarning, workbookWarnings } from "../../files/found.ts";
import type { FileForm } from "../ingest/file-form.ts";
import type { Drift } from "../preprocess/profile.ts";
import { count } from "../progress.ts";
import type { Finished } from "../stages/postprocess.ts";

export function runWarnings({
  ingested,
  preprocessed,
  trained,
  renamed = [],
}: Pick<Finished, "ingested" | "preprocessed" | "trained" | "renamed">): Warning[] {
  const { duplicates, missingTarget } = preprocessed.clean;
  const { unreadable, nullTexts, numbersInTexts } = preprocessed.columns;
  const { unseen = {}, drift = [] } = preprocessed.held ?? {};
  return [
    ...some(
      "bad_rows",
      ingested.badRows.count,
      (rows, were) => `${rows} could not be read and ${were} left out; data.bad_row_samples shows the first.`,
    ),
    ...some("repeated_rows", duplicates, (rows, were) => `${rows} ${were} taken for repeats by options.duplicates, and scored only.`),
    ...some("missing_target", missingTarget, (rows, were) => `${rows} without a target ${were} scored only (options.missing_target).`),
    ...ingested.forms.flatMap(formWarnings),
    ...byColumn("unreadable_cells", unreadable, (cells) => `${cells} that cannot be read as what the column is, and count as missing.`),
    ...byColumn(
      "unseen_categories",
      unseen,
      (cells) => `${cells} with a category that the model has not learned; each is scored as none of its own.`,
    ),
    ...byColumn(
      "null_texts",
      nullTexts,
      (cells) =>
        `${cells} that say NA, null or the like, and count as missing; set data_source.config.null_values to [""] to keep them as what they say.`,
    ),
    ...numbersInTexts.map((column): Warning => ({
      kind: "numbers_in_texts",
      column,
      message: `Column "${column}" holds numbers with a currency or a sign behind them, and was taken for texts; give it as numbers alone.`,
    })),
    ...classWarnings(preprocessed.target?.doubtfulClasses, preprocessed.target?.column),
    ...drift.flatMap(driftWarning),
    ...sampleWarning(trained.share),
    ...renamedWarning("the output", renamed),
    ...trained.warnings,
  ];
}

function some(kind: Warning["kind"], rows: number, message: (rows: string, were: string) => string): Warning[] {
  if (rows === 0) return [];
  return [{ kind, message: rows === 1 ? message("1 row", "was") : message(`${count(rows)} rows`, "were"), count: rows }];
}

function byColumn(kind: Warning["kind"], cells: Readonly<Record<string, number>>, message: (cells: string) => string): Warning[] {
  return Object.entries(cells).map(([column, number]) => ({
    kind,
    column,
    message: `Column "${column}" has ${message(number === 1 ? "1 cell" : `${count(number)} cells`)}`,
    count: number,
  }));
}

function classWarnings(classes: readonly string[] | undefined, column: string | undefined): Warning[] {
  if (!classes || classes.length === 0) return [];
  const names = classes.map((name) => `"${name}"`).join(", ");
  return [
    {
      kind: "null_texts",
      column: column!,
      message: `Column "${column}" has ${names} among its classes; if that means that the class is missing, name it in data_source.config.null_values.`,
    },
  ];
}

function sampleWarning(share: number): Warning[] {
  if (share >= 1) return [];
  const message = `The model learned from ${(100 * share).toFixed(1)} % of the rows it could have, chosen by a hash: options.max_training_cells. Every row is scored.`;
  return [{ kind: "sampled_rows", message }];
}

function formWarnings({ name, encoding, encodingFrom, csv, headerFound, workbook, renamed }: FileForm): Warning[] {
  const warnings: Warning[] = [];
  if (encodingFrom === "content" && encoding !== undefined)
    warnings.push(...encodingWarning(name, encoding, "data_source.config.encoding"));
  if (csv?.header === false && headerFound === true)
    warnings.push({
      kind: "no_header",
      message: `"${name}" was read as having no line of names; if its first line is one, set data_source.config.header to true.`,
    });
  warnings.push(...renamedWarning(`"${name}"`, renamed));
  return workbook ? [...warnings, ...workbookWarnings(name, workbook, "data_source.config.sheet")] : warnings;
}

function renamedWarning(where: string, renamed: FileForm["renamed"]): Warning[] {
  if (renamed.length === 0) return [];
  const shown = renamed.slice(0, 5).map(({ from, to }) => `"${from}" to "${to}"`);
  const more = renamed.length > shown.length ? ` and ${renamed.length - shown.length} more` : "";
  const message = `Names of columns of ${where} that are empty, or there already but for their case, were changed: ${shown.join(", ")}${more}.`;
  return [{ kind: "renamed_columns", message, count: renamed.length }];
}

/** Above it two populations are commonly taken for different. */
const UNSTABLE = 0.25;
/** Of the rows, more or fewer missing than in training. */
const MUCH_MISSING = 0.2;

function driftWarning({ column, missing, missing_in_training, stability_index }: Drift): Warning[] {
  const per = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const reasons = [
    ...(Math.abs(missing - missing_in_training) > MUCH_MISSING
      ? [`${per(missing)} of it is missing, ${per(missing_in_training)} in training`]
      : []),
    ...(stability_index !== null && stability_index > UNSTABLE
      ? [`its values spread otherwise (population stability index ${stability_index.toFixed(2)})`]
      : []),
  ];
  if (reasons.length === 0) return [];
  return [
    {
      kind: "drift",
      column,
      message: `Column "${column}" is not as it was in training: ${reasons.join("; ")}. Predictions may be worse than the model's metrics say.`,
    },
  ];
}
