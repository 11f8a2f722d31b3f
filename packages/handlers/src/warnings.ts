/**
 * What a person should know before trusting a result: read or left out otherwise than they may expect, or not kept at
 * all. A run that cannot be exact either says so here, by name and count, or refuses.
 */
import * as z from "zod";

/** Every kind of warning, with what it means to whoever reads it. The guide "your-data" is held against this list. */
export const WARNING_KINDS = {
  bad_rows: "Rows that could not be read were left out.",
  leak_column: "A column alone predicts the target almost perfectly: it may be known only once the target is.",
  id_column: "A column of whole numbers that are all different was learned from: it looks like an id.",
  few_positives: "The threshold of a decision was chosen on few rows of the class that is looked for: expect it to do otherwise on others.",
  anomaly_ties: "Too many rows are equally unusual for the share asked for: none of them is flagged.",
  repeated_rows: "Rows that repeat another one, their ids too, were left out of learning and metrics, as was asked for.",
  missing_target: "Rows without a target were left out of learning and metrics, as was asked for.",
  unprinted_letters: "A PDF shows a replacement sign for letters that no installed font has.",
  guessed_encoding: "A file is not UTF-8, and was read in the encoding that it looks like.",
  no_header: "A CSV file was read as having no line of names.",
  renamed_columns: "Names of columns that are empty, or there already, were changed.",
  workbook_cells: "Cells of a workbook hold no value that can be kept as it is.",
  other_sheets: "A workbook has more sheets than the one that was read.",
  unreadable_cells: "Cells that are not what their column is, or was for the model, count as missing.",
  unseen_categories: "Rows to score have categories that the model has not learned.",
  null_texts: "Texts such as NA were taken for missing, or for a class.",
  numbers_in_texts: "A column of numbers with a currency or a sign behind them was taken for texts.",
  sampled_rows: "A model learned from a part of its rows, because there are more than it may take.",
  drift: "Rows to score are not as the rows of training were.",
  undated_lines: "Order lines without a date are in no report.",
  missing_amounts: "Order lines without a quantity, a revenue or a profit count as zero there.",
  missing_keys:
    "Order lines without a key are in the totals, and of no order, product or customer; rows of a list without one are left out.",
  unnamed_products: "Products without a name or a category are filed under Unknown.",
  unlisted_keys: "Keys of a report's order lines are in no list of its mapping: their lines count, without a name.",
  rounded_amounts: "Amounts with more decimals than are kept were rounded.",
  cut_texts: "Texts longer than are kept were cut.",
} as const;
export type WarningKind = keyof typeof WARNING_KINDS;

const warning = z.object({
  kind: z.enum(Object.keys(WARNING_KINDS) as [WarningKind, ...WarningKind[]]),
  message: z.string().describe("What happened, to which column or file, how often, and what to do."),
  column: z.string().optional().describe("As the file writes it."),
  count: z.int().min(1).optional().describe("Of rows, cells or values, as the message says."),
});
export type Warning = z.infer<typeof warning>;

export const warnings = z.array(warning).describe("What to know before trusting the result; empty when there is nothing.");
