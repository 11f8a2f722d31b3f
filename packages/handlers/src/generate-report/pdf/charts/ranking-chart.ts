/**
 * Revenue of a few names as lying bars, largest on top, each with its figure and its share of the whole. Bars, since a
 * shop whose one category makes 95 % of its revenue would leave a pie with a single slice.
 */
import type { Named } from "../../figures.ts";
import type { Formats } from "../formats.ts";
import type { Paper } from "../page/paper.ts";

export interface RankingChart {
  readonly title: string;
  readonly rows: readonly Named[];
  /** All revenue. */
  readonly whole: number;
  readonly formats: Formats;
}

const ROW = 16;
const BAR = 9;
const LABEL = 8;
const FOOT = 10;
/** Names that are longer are cut; the table below has the whole name. */
const MOST_NAME = 150;

export const rankingChartHeight = (rows: number): number => rows * ROW + FOOT;

export function printRankingChart(paper: Paper, chart: RankingChart): void {
  const { title, rows, whole, formats } = chart;
  const alt = `${title}: ${rows.map(({ name, revenue }) => `${name} ${formats.money(revenue)} (${formats.share(revenue, whole)})`).join(", ")}`;
  paper.tagged("Figure", () => draw(paper, chart), { alt });
  paper.y += rankingChartHeight(rows.length);
}

function draw(paper: Paper, { rows, whole, formats }: RankingChart): void {
  const { document, type, colours, left, y: top } = paper;
  const style = { size: LABEL, colour: colours.text };
  const names = rows.map(({ name }) => type.fit(name, style, { width: MOST_NAME }));
  const figures = rows.map(({ revenue }) => ({ amount: formats.shortMoney(revenue), share: formats.share(revenue, whole) }));
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => type.measure(text, style)));
  const shareWidth = widest(figures.map(({ share }) => share));
  const amountWidth = widest(figures.map(({ amount }) => amount));
  const right = left + paper.width;
  const from = left + widest(names) + 8;
  const room = right - shareWidth - amountWidth - 20 - from;
  const [low, high] = [Math.min(0, ...rows.map(({ revenue }) => revenue)), Math.max(0, ...rows.map(({ revenue }) => revenue))];
  const scale = room / (high - low || 1);
  const zero = from - low * scale;
  for (const [index, { revenue, role }] of rows.entries()) {
    const middle = top + ROW * (index + 0.5);
    const baseline = middle + LABEL * 0.36;
    type.print(names[index] ?? "", style, { x: from - 8, y: baseline, align: "right" });
    const colour = revenue < 0 ? colours.negative : role === "one" ? colours.accent : colours.pale;
    document.rect(Math.min(zero, zero + revenue * scale), middle - BAR / 2, Math.max(0.6, Math.abs(revenue * scale)), BAR).fill(colour);
    type.print(figures[index]?.amount ?? "", style, { x: right - shareWidth - 12, y: baseline, align: "right" });
    type.print(figures[index]?.share ?? "", { ...style, colour: colours.muted }, { x: right, y: baseline, align: "right" });
  }
}
