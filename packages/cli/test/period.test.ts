import { expect, it } from "vitest";
import { lastFullPeriod } from "../src/period.ts";

it.each([
  ["three full years", ["2023-01-01", "2025-12-31"], ["2025-01-01", "2025-12-31"]],
  ["a year that has not ended", ["2023-01-01", "2025-12-30"], ["2024-01-01", "2024-12-31"]],
  ["no full year", ["2010-12-01", "2011-12-09"], ["2011-07-01", "2011-09-30"]],
  ["a quarter of the year before", ["2024-09-30", "2025-03-30"], ["2024-10-01", "2024-12-31"]],
  ["no full quarter", ["2025-02-03", "2025-05-06"], ["2025-02-03", "2025-05-06"]],
] as const)("the last full period of %s", (_, [first, last], period) => {
  expect(lastFullPeriod({ first, last })).toEqual(period);
});
