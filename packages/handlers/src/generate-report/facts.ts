/** What every format prints around the figures: written once, so that no two formats call the same thing differently. */
import type { ReportInput } from "./input.ts";
import { FILTER_FIELDS } from "./input.ts";
import type { ReportMapping } from "./mapping.ts";
import { spanName } from "./periods.ts";
import type { Shape } from "./query.ts";
import type { Summary } from "./summarize.ts";

export interface ReportFacts {
  readonly title: string;
  /** "Monthly report, 1 Jan 2024 to 31 Dec 2024". */
  readonly subtitle: string;
  readonly filters: readonly { readonly field: string; readonly values: readonly string[] }[];
  readonly currency: string;
  /** ISO 8601. */
  readonly generatedAt: string;
  readonly includeCharts: boolean;
  readonly shape: Shape;
  readonly summary: Summary;
}

export function reportFacts(
  mapping: ReportMapping,
  input: ReportInput,
  found: { readonly shape: Shape; readonly summary: Summary; readonly generatedAt: string },
): ReportFacts {
  const kind = `${input.report_type[0]?.toUpperCase()}${input.report_type.slice(1)}`;
  return {
    ...found,
    title: mapping.title,
    subtitle: `${kind} report, ${spanName(input.start_date, input.end_date)}`,
    filters: FILTER_FIELDS.flatMap((field) => {
      const values = input.filters[field];
      return values ? [{ field, values }] : [];
    }),
    currency: mapping.currency,
    includeCharts: input.include_charts,
  };
}
