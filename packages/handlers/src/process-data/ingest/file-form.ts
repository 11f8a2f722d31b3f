/** What a file was found to be, as the result says it: nothing that was detected is kept silent. */
import type { FoundSheet } from "../../files/found.ts";

export interface FileForm {
  /** As the user named it. */
  readonly name: string;
  readonly format: string;
  readonly encoding?: string;
  /** "content": found out, and perhaps wrong. */
  readonly encodingFrom?: "given" | "mark" | "content";
  readonly csv?: { readonly delimiter: string; readonly quote: string; readonly header: boolean };
  /** Whether there is a line of names was found out. */
  readonly headerFound?: boolean;
  readonly workbook?: FoundSheet;
  /** Columns whose name was empty or there already. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** Columns kept as texts that were whole numbers of JSON. */
  readonly whole?: readonly string[];
}
