import { expect, it } from "vitest";
import { document, withFigures } from "./document.ts";

it("docs/reliability.md has the figures that were recorded, and no others: npm run reliability", () => {
  expect(document()).toBe(withFigures(document()));
});
