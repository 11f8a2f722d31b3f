import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { daysBetween, reportInput } from "../../src/generate-report/input.ts";

const BASE = { start_date: "2024-01-01", end_date: "2024-12-31" };
const pathsOf = (payload: unknown): string[] => {
  const parsed = reportInput.safeParse(payload);
  return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join(".")).sort();
};

describe("report payload", () => {
  it("fills in its defaults", () => {
    const defaults = { format: "pdf", report_type: "monthly", include_charts: true, include_detail: true, filters: {} };
    expect(reportInput.parse(BASE)).toEqual({ ...BASE, ...defaults });
  });

  it("names every issue with its path, the order of the dates beside the others", () => {
    const payload = {
      start_date: "2024-02-01",
      end_date: "2024-01-01",
      format: "doc",
      report_type: 1,
      filters: { colour: "red", category: [] },
    };
    expect(pathsOf(payload)).toEqual(["end_date", "filters", "filters.category", "format", "report_type"]);
    expect(pathsOf({})).toEqual(["end_date", "start_date"]);
    expect(pathsOf(null)).toEqual([""]);
  });

  it("takes 366 days, and more only when custom", () => {
    expect(pathsOf({ start_date: "2024-01-01", end_date: "2024-12-31" })).toEqual([]);
    expect(pathsOf({ start_date: "2023-01-01", end_date: "2024-01-02" })).toEqual(["end_date"]);
    expect(pathsOf({ start_date: "2020-01-01", end_date: "2024-01-02", report_type: "custom" })).toEqual([]);
    expect(pathsOf({ start_date: "1901-01-01", end_date: "2024-01-02", report_type: "custom" })).toEqual(["end_date"]);
  });

  it("takes territory for region, but not both", () => {
    expect(reportInput.parse({ ...BASE, filters: { territory: "North" } }).filters).toEqual({ region: ["North"] });
    expect(pathsOf({ ...BASE, filters: { territory: "North", region: "South" } })).toEqual(["filters.territory"]);
  });

  it("takes exactly the dates of the calendar", () => {
    const parts = fc.tuple(fc.integer({ min: 1900, max: 2100 }), fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 32 }));
    fc.assert(
      fc.property(parts, ([year, month, day]) => {
        const date = `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
        const parsed = new Date(`${date}T00:00:00Z`);
        const isReal = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date) && date >= "1900-03-01";
        expect(reportInput.safeParse({ start_date: date, end_date: date }).success).toBe(isReal);
      }),
    );
  });

  it("never throws, whatever comes", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (first, second) => {
        expect(reportInput.safeParse({ ...BASE, start_date: first, filters: second }).success).toBeTypeOf("boolean");
        expect(reportInput.safeParse(first).success).toBe(false);
      }),
    );
  });

  it("counts days with both ends", () => {
    expect(daysBetween("2024-02-28", "2024-03-01")).toBe(3);
  });
});
