/** Random shops as a report finds them, for tests of its pages: names in thirteen scripts, sums of any size. */
import fc from "fast-check";
import type { ReportFacts } from "../../src/generate-report/facts.ts";
import type { Earlier, Figures, Named, Period, Summary, Totals } from "../../src/generate-report/figures.ts";
import { labelsOf } from "../../src/generate-report/locale/labels.ts";
import { LOCALES } from "../../src/generate-report/locale/locales.ts";
import type { PrintedDetail } from "../../src/generate-report/pdf/detail-table.ts";
import { formatsFor, type Formats } from "../../src/generate-report/pdf/formats.ts";

/** A piece of a name in each script. */
export const SCRIPTS: Readonly<Record<string, string>> = {
  latin: "Crème brûlée ßÆŁőž",
  greek: "Φλιτζάνι καφέ",
  cyrillic: "Чашка кофе Ђ",
  hebrew: "כוס קפה 350 מ״ל",
  arabic: "فنجان قهوة ٣ (كبير)",
  chinese: "手冲咖啡壶",
  japanese: "コーヒーカップ",
  korean: "커피잔 세트",
  thai: "แก้วกาแฟน้ำผึ้ง",
  hindi: "कॉफी कप क्षत्रिय",
  emoji: "Mug ☕🦄👩‍💻🇩🇪",
  vietnamese: "Cà phê sữa đá",
  signs: "€ £ ₹ ₺ ₪ ¥ ₴ № ™ ½",
};

const piece = fc.oneof(
  fc.constantFrom(...Object.values(SCRIPTS)),
  fc.constantFrom(
    "Donaudampfschifffahrtsgesellschaftskapitän",
    "firstname.lastname+newsletter@subdomain.example-company.co.uk",
    "W".repeat(36),
  ),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("a", "Cup", "Product 17", "காபி", "\u202Eturned", "line\nend", "   "),
);
const name = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(" "));

/** Sums with four decimals, of up to eighteen digits before them. */
const money = fc
  .oneof(
    fc.constantFrom("0", "0.0000", "-0.0040", "12500000000.5000", "99999999999999999.9999", "-4999999999999956.1701"),
    fc
      .tuple(fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }), fc.nat(9999))
      .map(([whole, part]) => `${whole}.${String(part).padStart(4, "0")}`),
    fc.integer({ min: -100_000, max: 1_000_000 }).map((cents) => (cents / 100).toFixed(4)),
  )
  .map((text) => text);
const units = fc.oneof(fc.integer({ min: -50, max: 100_000 }).map(String), fc.constantFrom("0.400", "-0.125", "1234567.891"));

const figures = fc
  .record({ counts: fc.array(fc.nat(20_000_000), { minLength: 3, maxLength: 3 }), units, revenue: money, profit: money })
  .map(({ counts: [lines = 0, orders = 0, customers = 0], ...exact }): Figures & Pick<Named, "exact"> => ({
    lines,
    orders,
    customers,
    units: Number(exact.units),
    revenue: Number(exact.revenue),
    profit: Number(exact.profit),
    exact,
  }));
const earlier: fc.Arbitrary<Earlier> = fc.record(
  {
    previous: money.map((text) => ({ revenue: Number(text), profit: 1 })),
    year_before: money.map((text) => ({ revenue: Number(text), profit: 1 })),
  },
  { requiredKeys: [] },
);
const named = fc
  .record({ name, figures, earlier, role: fc.constantFrom("one", "one", "one", "none", "other") })
  .map(({ figures: some, ...rest }): Named => ({ ...some, ...rest }));
const rows = (most: number): fc.Arbitrary<readonly Named[]> => fc.array(named, { maxLength: most });

const periods = fc.array(fc.record({ figures, earlier }), { minLength: 1, maxLength: 40 }).map((all): readonly Period[] =>
  all.map(({ figures: some, earlier: before }, index) => {
    const month = `${2020 + Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, "0")}`;
    return { ...some, earlier: before, name: month, role: "one", start: `${month}-01`, end: `${month}-28`, part: "whole" };
  }),
);

const summary = fc
  .record({
    figures,
    periods,
    categories: rows(30),
    products: rows(11),
    regions: rows(11),
    countries: rows(11),
    customers: rows(11),
    covered: fc.boolean(),
  })
  .map(({ figures: all, covered, ...tables }): Summary => {
    const totals: Totals = {
      ...all,
      lines: all.lines + 1,
      returned_lines: 1,
      returned_revenue: -1,
      average_order: all.revenue / 2,
      returning_customers: 1,
    };
    return {
      ...tables,
      unit: "month",
      totals,
      exact: { ...all.exact, returned_revenue: "-0.0040", average_order: all.exact.revenue },
      comparisons: covered
        ? [{ name: "previous", start: "2019-01-01", end: "2019-12-31", coverage: "covered", totals: all, exact: all.exact }]
        : [{ name: "year_before", start: "2019-01-01", end: "2019-12-31", coverage: "not_covered" }],
      data: { first: "2019-06-01", last: "2024-12-31" },
      decimals: { quantity: 3, revenue: 4 },
    };
  });

export interface PrintedShop {
  readonly facts: ReportFacts;
  readonly formats: Formats;
  readonly detail: PrintedDetail;
}

const key = fc.oneof(
  fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String),
  fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 60 }),
  fc.constant("9".repeat(40)),
);

export const printedShop: fc.Arbitrary<PrintedShop> = fc
  .record({
    summary,
    title: name,
    locale: fc.constantFrom(...LOCALES),
    currency: fc.constantFrom("EUR", "IDR", "JPY", "KWD", "ILS"),
    profit: fc.boolean(),
    charts: fc.boolean(),
    letter: fc.boolean(),
    warnings: fc.array(name, { maxLength: 9 }),
    filter: fc.array(name, { maxLength: 12 }),
    lines: fc.array(fc.tuple(key, name, name, name, units, money), { maxLength: 60 }),
  })
  .map(({ summary: found, title, locale, currency, profit, charts, letter, warnings, filter, lines }): PrintedShop => {
    const labels = labelsOf(locale);
    const moneyDecimals = { EUR: 2, IDR: 0, JPY: 0, KWD: 3, ILS: 2 }[currency] ?? 2;
    const formats = formatsFor({ tag: labels.tag, currency, moneyDecimals });
    const facts: ReportFacts = {
      title,
      subtitle: labels.reports.monthly,
      filters: filter.length > 0 ? [{ field: labels.product, values: filter }] : [],
      currency,
      moneyDecimals,
      generatedAt: "2026-01-02T03:04:05.000Z",
      notes: [labels.daysIn("UTC")],
      warnings: warnings.map((message) => ({ kind: "bad_rows", message })),
      labels,
      settings: {
        time_zone: "UTC",
        locale,
        first_day_of_week: "monday",
        fiscal_year_start: 1,
        page_size: letter ? "Letter" : "A4",
        colours: {},
      },
      logo: undefined,
      includeCharts: charts,
      includeDetail: true,
      shape: { profit, region: true, country: true },
      summary: found,
    };
    const text = { kind: "text" } as const;
    const detail: PrintedDetail = {
      table: {
        columns: [
          { title: labels.order, kind: "key" },
          { title: labels.customer, ...text },
          { title: labels.product, ...text },
          { title: labels.region, ...text },
          { title: labels.quantity, kind: "number" },
          { title: `${labels.revenue} (${currency})`, kind: "number" },
        ],
        rows: lines.map(([id, customer, product, region, quantity, revenue]) => [
          id,
          customer,
          product,
          region,
          formats.count(quantity, 3),
          formats.amount(revenue, 4),
        ]),
        size: 7,
        maxLines: 3,
      },
      printed: lines.length,
      total: lines.length,
    };
    return { facts, formats, detail };
  });
