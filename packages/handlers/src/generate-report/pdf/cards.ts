/**
 * The headline figures in a row of cards. A figure is printed whole where it fits in large letters; else in short, with
 * every digit below.
 */
import type { ReportFacts } from "../facts.ts";
import type { Comparison, Figures } from "../figures.ts";
import type { Formats } from "./formats.ts";
import { paragraph } from "./headline.ts";
import type { Paper } from "./page/paper.ts";

interface Card {
  readonly label: string;
  /** Longest first; the last stands in for all that do not fit. */
  readonly values: readonly string[];
  readonly notes: readonly string[];
  readonly growth: readonly { readonly change: string; readonly than: string }[];
}

const LARGEST = 18;
/** Least size at which a long figure is taken rather than a short one. */
const LEAST_WHOLE = 13;
const NOTE = 8;
const LINE = NOTE * 1.42;
const BETWEEN = 8;
const INSET = 9;

export function printCards(paper: Paper, facts: ReportFacts, formats: Formats): void {
  const cards = cardsOf(facts, formats);
  const width = (paper.width - BETWEEN * (cards.length - 1)) / cards.length;
  const inside = width - 2 * INSET;
  const { type } = paper;
  const notesOf = (card: Card): readonly string[] => {
    const whole = card.values[0] ?? "";
    const below = valueOf(paper, card, inside).text === whole ? card.notes : [whole, ...card.notes];
    return below.flatMap((note) => noteLines(paper, note, inside));
  };
  // All in the same size where they can be: the smallest of those that are printed large.
  const common = Math.min(LARGEST, ...cards.map((card) => valueOf(paper, card, inside).size).filter((size) => size >= LEAST_WHOLE));
  const rows = Math.max(...cards.map((card) => notesOf(card).length + card.growth.length));
  const height = 2 * INSET + LINE + 26 + rows * LINE;
  const top = paper.y;
  paper.artifact(() => {
    for (const index of cards.keys())
      paper.document.rect(paper.left + index * (width + BETWEEN), top, width, height).fill(paper.colours.band);
  });
  for (const [index, card] of cards.entries()) {
    const x = paper.left + index * (width + BETWEEN) + INSET;
    const { text, size } = valueOf(paper, card, inside);
    paper.tagged("P", () => {
      const label = { size: NOTE, colour: paper.colours.muted };
      type.print(type.fit(card.label, label, { width: inside }), label, { x, y: top + INSET + NOTE });
      type.print(text, { size: Math.min(size, common), bold: true, colour: paper.colours.ink }, { x, y: top + INSET + LINE + 19 });
      let y = top + INSET + LINE + 26 + NOTE * 1.06;
      for (const line of notesOf(card)) {
        type.print(line, { size: fitting(paper, line, { size: NOTE, width: inside }), colour: paper.colours.muted }, { x, y });
        y += LINE;
      }
      for (const { change, than } of card.growth) {
        printGrowth(paper, { change, than }, { x, y, width: inside });
        y += LINE;
      }
    });
  }
  paper.y = top + height + 6;
  printBelow(paper, facts, formats);
}

/** Notes wrap between words; a figure that is wider becomes smaller. */
function noteLines({ type }: Paper, note: string, width: number): readonly string[] {
  const style = { size: NOTE };
  const words = note.split(" ");
  const widest = Math.max(...words.map((word) => type.measure(word, style)));
  return widest > width ? [note] : type.lines(note, style, { width, maxLines: 3 });
}

const fitting = ({ type }: Paper, text: string, { size, width, bold = false }: { size: number; width: number; bold?: boolean }): number =>
  Math.min(size, width / Math.max(1e-9, type.measure(text, { size: 1, bold })));

function valueOf(paper: Paper, { values }: Card, width: number): { readonly text: string; readonly size: number } {
  const sizes = values.map((text) => ({ text, size: fitting(paper, text, { size: LARGEST, width, bold: true }) }));
  const whole = sizes.find(({ size }) => size >= LEAST_WHOLE);
  const last = sizes.at(-1) ?? { text: "", size: LARGEST };
  return whole ?? last;
}

function printGrowth(
  { type, colours }: Paper,
  { change, than }: Card["growth"][number],
  { x, y, width }: { x: number; y: number; width: number },
): void {
  const style = { size: NOTE, bold: true, colour: change.startsWith("-") ? colours.negative : colours.text };
  type.print(change, style, { x, y });
  const taken = type.measure(change, style) + 4;
  const muted = { size: NOTE, colour: colours.muted };
  type.print(type.fit(than, muted, { width: width - taken }), muted, { x: x + taken, y });
}

function cardsOf({ summary, shape, labels }: ReportFacts, formats: Formats): readonly Card[] {
  const { totals, exact, comparisons } = summary;
  const units = formats.count(exact.units, summary.decimals.quantity);
  const growthOf = (figure: keyof Figures): Card["growth"] =>
    comparisons.flatMap((comparison) => {
      if (comparison.coverage !== "covered") return [];
      const change = formats.growth(totals[figure], comparison.totals[figure]);
      return change === "" ? [] : [{ change, than: nameOf(comparison, labels) }];
    });
  const lines = labels.lines(totals.lines, formats.count(totals.lines));
  const money = (label: string, value: string, note: readonly string[]): Omit<Card, "growth"> => ({
    label,
    values: [formats.money(value), formats.shortMoney(Number(value))],
    notes: note,
  });
  return [
    { ...money(labels.revenue, exact.revenue, []), growth: growthOf("revenue") },
    shape.profit
      ? {
          ...money(labels.profit, exact.profit, [labels.ofRevenue(formats.share(totals.profit, totals.revenue))]),
          growth: growthOf("profit"),
        }
      : { label: labels.unitsSold, values: [units], notes: [lines], growth: growthOf("units") },
    {
      label: labels.orders,
      values: [formats.count(totals.orders)],
      notes: [labels.onAverage(formats.money(exact.average_order))],
      growth: growthOf("orders"),
    },
    {
      label: labels.customers,
      values: [formats.count(totals.customers)],
      notes: [labels.cameBack(formats.share(totals.returning_customers, totals.customers))],
      growth: growthOf("customers"),
    },
  ];
}

const nameOf = ({ name }: Comparison, labels: ReportFacts["labels"]): string => (name === "previous" ? labels.previous : labels.yearBefore);

function printBelow(paper: Paper, { summary, shape, labels }: ReportFacts, formats: Formats): void {
  const { totals, exact } = summary;
  const lines = (count: number): string => labels.lines(count, formats.count(count));
  const returns = labels.returns(lines(totals.returned_lines), formats.money(exact.returned_revenue));
  const units = `${labels.unitsSold}: ${formats.count(exact.units, summary.decimals.quantity)}   ·   ${lines(totals.lines)}   ·   `;
  paragraph(paper, shape.profit ? units + returns : returns, { size: 8, colour: paper.colours.muted, width: paper.width, maxLines: 2 });
  paper.y += 12;
}
