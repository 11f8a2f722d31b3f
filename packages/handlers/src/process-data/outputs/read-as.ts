/** How files and columns were read, and how rows to score compare with the model's: for the result and the card. */
import type { JsonObject } from "@streamer/protocol";
import type { Finished } from "../stages/postprocess.ts";

export function readAs({ ingested, preprocessed }: Pick<Finished, "ingested" | "preprocessed">): JsonObject {
  const { inputs } = preprocessed.columns;
  const { unseen, drift } = preprocessed.held ?? {};
  const target = preprocessed.target ? [{ name: preprocessed.target.column, reading: preprocessed.target.reading }] : [];
  return {
    files: ingested.forms.map(({ name, format, encoding, encodingFrom, csv, workbook, renamed }) => ({
      name,
      format,
      ...(encoding !== undefined && { encoding, encoding_from: encodingFrom }),
      ...csv,
      ...(workbook && { sheet: workbook.sheet }),
      ...(renamed.length > 0 && { renamed: renamed.map((one) => ({ ...one })) }),
    })),
    read_as: [...inputs, ...target].flatMap(({ name: column, reading }): JsonObject[] => {
      if (reading.kind === "number" && reading.numbers.decimal + reading.numbers.thousands !== ".")
        return [{ column, kind: "number", ...reading.numbers }];
      if (reading.kind === "date" && reading.formats.length > 0) return [{ column, kind: "date", date_format: reading.formats[0]! }];
      return [];
    }),
    ...(unseen && { unseen_categories: { ...unseen } }),
    ...(drift && { drift: drift.map((one) => ({ ...one })) }),
  };
}
