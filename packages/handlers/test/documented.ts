/** What the guides show, as it stands there. */
import { readFileSync } from "node:fs";

export const documented = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

/** The JSON under `<!-- name -->`. */
export function exampleIn(guide: string, name: string): Record<string, unknown> {
  const after = guide.slice(guide.indexOf(`<!-- ${name} -->`));
  return JSON.parse(/```json\n([\s\S]*?)```/.exec(after)?.[1] ?? "") as Record<string, unknown>;
}
