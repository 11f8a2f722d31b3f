/** The guide lists every kind of warning there is, in its own words. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { WARNING_KINDS } from "../src/warnings.ts";

it("docs/guides/your-data.md lists every kind of warning", () => {
  const guide = readFileSync(new URL("../../../docs/guides/your-data.md", import.meta.url), "utf8");
  const listed = [...guide.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, kind, meaning]) => [kind, meaning]);
  expect(Object.fromEntries(listed)).toEqual(WARNING_KINDS);
});
