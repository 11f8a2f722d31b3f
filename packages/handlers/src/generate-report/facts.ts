/** What every format prints around the figures: written once, so that no two formats call the same thing differently. */
import type { Warning } from "../warnings.ts";
import type { Summary } from "./figures.ts";
import { FILTER_FIELDS, type ReportInput } from "./input.ts";
import type { Labels } from "./locale/labels.ts";
import type { ReportMapping } from "./mapping.ts";
import { dayName, spanName } from "./periods.ts";
import type { Shape } from "./query.ts";
import type { ReportSettings } from "./settings.ts";

export interface ReportFacts {
  readonly title: string;
  /** "Monthly report, 1 Jan 2024 to 31 Dec 2024". */
  readonly subtitle: string;
  readonly filters: readonly { readonly field: string; readonly values: readonly string[] }[];
  readonly currency: string;
  /** Decimals of the currency's smallest coin: 0 for JPY, 3 for KWD. Sums are printed with them, lines as `summary.decimals`. */
  readonly moneyDecimals: number;
  /** ISO 8601. */
  readonly generatedAt: string;
  /** "Days in Europe/Berlin", "Data from … to …", and what could not be compared: printed small under the subtitle. */
  readonly notes: readonly string[];
  readonly warnings: readonly Warning[];
  readonly labels: Labels;
  readonly settings: ReportSettings;
  /** Full path of the mapping's picture. */
  readonly logo: string | undefined;
  readonly includeCharts: boolean;
  readonly includeDetail: boolean;
  readonly shape: Shape;
  readonly summary: Summary;
}

export interface Found {
  readonly shape: Shape;
  readonly summary: Summary;
  readonly generatedAt: string;
  readonly warnings: readonly Warning[];
  readonly labels: Labels;
  readonly logo: string | undefined;
}

export function reportFacts(mapping: ReportMapping, input: ReportInput, found: Found): ReportFacts {
  const { labels, summary } = found;
  return {
    ...found,
    title: mapping.title,
    subtitle: `${labels.reports[input.report_type]}, ${spanName(input.start_date, input.end_date, labels)}`,
    filters: FILTER_FIELDS.flatMap((field) => {
      const values = input.filters[field];
      return values ? [{ field: labels[field], values }] : [];
    }),
    currency: mapping.currency,
    moneyDecimals: minorUnits(mapping.currency),
    notes: notesOf(mapping, summary, labels),
    settings: mapping,
    includeCharts: input.include_charts,
    includeDetail: input.include_detail,
  };
}

/** ISO 4217, as the runtime knows it; two for a code it does not know. */
function minorUnits(currency: string): number {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

function notesOf({ time_zone }: ReportMapping, { data, comparisons }: Summary, labels: Labels): readonly string[] {
  if (data === null) return [labels.daysIn(time_zone)];
  const first = dayName(data.first, labels);
  const names = { previous: labels.previous, year_before: labels.yearBefore };
  const missing = comparisons.filter(({ coverage }) => coverage === "not_covered");
  return [
    labels.daysIn(time_zone),
    labels.dataFrom(first, dayName(data.last, labels)),
    ...missing.map(({ name }) => labels.notCovered(names[name], first)),
  ];
}
