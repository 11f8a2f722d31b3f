/** `npm run reliability`: puts what was recorded into docs/reliability.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { figures } from "./figures.ts";

const DOCUMENT = join(import.meta.dirname, "../../docs/reliability.md");
const BEGIN = "<!-- figures: npm run reliability -->\n";
const END = "<!-- /figures -->\n";

export const document = (): string => readFileSync(DOCUMENT, "utf8");

/** The document with its figures anew. */
export function withFigures(text: string): string {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error("docs/reliability.md has lost the marks between which its figures are.");
  return `${before}${BEGIN}\n${figures()}\n${END}${after}`;
}

if (import.meta.main) writeFileSync(DOCUMENT, withFigures(document()));
