/** Revenue by period as bars, beside those of a year before where they are known; profit as a line where there is one. */
import type { Period, Summary } from "../../figures.ts";
import type { Labels } from "../../locale/labels.ts";
import type { Formats } from "../formats.ts";
import type { Paper } from "../page/paper.ts";
import { labelStep, ticksOf } from "./scale.ts";

export interface PeriodChart {
  readonly summary: Summary;
  readonly labels: Labels;
  readonly formats: Formats;
  readonly withProfit: boolean;
}

export const PERIOD_CHART_HEIGHT = 200;
const LABEL = 7.5;
const LEGEND = 18;
const FOOT = 26;

interface Plot {
  readonly left: number;
  readonly width: number;
  readonly each: number;
  height(value: number): number;
}

export function printPeriodChart(paper: Paper, chart: PeriodChart): void {
  const { summary, labels } = chart;
  const alt = `${labels.revenueBy[summary.unit]}: ${summary.periods.map(({ name, revenue }) => `${name} ${chart.formats.money(revenue)}`).join(", ")}`;
  paper.tagged("Figure", () => draw(paper, chart), { alt });
  paper.y += PERIOD_CHART_HEIGHT;
}

function draw(paper: Paper, chart: PeriodChart): void {
  const { summary, formats, withProfit } = chart;
  const { document, type, colours } = paper;
  const { periods } = summary;
  const style = { size: LABEL, colour: colours.muted };
  const yearBefore = periods.map(({ earlier }) => earlier.year_before?.revenue ?? 0);
  const values = periods.flatMap(({ revenue, profit }) => (withProfit ? [revenue, profit] : [revenue]));
  const ticks = ticksOf(Math.min(...values, ...yearBefore), Math.max(...values, ...yearBefore));
  const [low = 0, high = 1] = [ticks[0], ticks.at(-1)];
  const tickLabels = ticks.map((tick) => formats.axisMoney(tick));
  const left = paper.left + Math.max(...tickLabels.map((label) => type.measure(label, style))) + 8;
  const width = paper.left + paper.width - left;
  const top = paper.y + LEGEND;
  const bottom = paper.y + PERIOD_CHART_HEIGHT - FOOT;
  const plot: Plot = {
    left,
    width,
    each: width / periods.length,
    height: (value) => bottom - ((value - low) / (high - low)) * (bottom - top),
  };
  for (const [index, tick] of ticks.entries()) {
    const y = plot.height(tick);
    document
      .moveTo(left, y)
      .lineTo(left + width, y)
      .lineWidth(tick === 0 ? 0.8 : 0.4)
      .stroke(tick === 0 ? colours.muted : colours.rule);
    type.print(tickLabels[index] ?? "", style, { x: left - 6, y: y + LABEL * 0.36, align: "right" });
  }
  printBars(paper, periods, plot);
  if (withProfit) printProfit(paper, periods, plot);
  printPeriodNames(paper, summary, { plot, bottom });
  printLegend(paper, chart);
}

function printBars({ document, colours }: Paper, periods: readonly Period[], { left, each, height }: Plot): void {
  const paired = periods.some(({ earlier }) => earlier.year_before !== undefined);
  const bar = Math.min(each * (paired ? 0.36 : 0.64), 30);
  const zero = height(0);
  const print = (value: number, x: number, colour: string): void => {
    const y = height(value);
    document.rect(x, Math.min(y, zero), bar, Math.abs(y - zero)).fill(colour);
  };
  for (const [index, { revenue, earlier }] of periods.entries()) {
    const middle = left + each * (index + 0.5);
    if (earlier.year_before) print(earlier.year_before.revenue, middle - bar, colours.pale);
    print(revenue, paired ? middle : middle - bar / 2, revenue < 0 ? colours.negative : colours.accent);
  }
}

function printProfit({ document, colours }: Paper, periods: readonly Period[], { left, each, height }: Plot): void {
  for (const [index, { profit }] of periods.entries()) {
    const [x, y] = [left + each * (index + 0.5), height(profit)];
    if (index === 0) document.moveTo(x, y);
    else document.lineTo(x, y);
  }
  document.lineWidth(1.6).lineJoin("round").stroke(colours.second);
  if (each < 8) return;
  for (const [index, { profit }] of periods.entries()) document.circle(left + each * (index + 0.5), height(profit), 2).fill(colours.second);
}

function printPeriodNames({ type, colours }: Paper, { periods, unit }: Summary, { plot, bottom }: { plot: Plot; bottom: number }): void {
  const style = { size: LABEL, colour: colours.muted };
  const widest = Math.max(...periods.map(({ name }) => type.measure(name, style))) + 6;
  const step = labelStep(unit, widest, { count: periods.length, width: plot.width });
  for (let index = 0; index < periods.length; index += step) {
    const name = type.fit(periods[index]?.name ?? "", style, { width: plot.width });
    const half = type.measure(name, style) / 2;
    const middle = plot.left + plot.each * (index + 0.5);
    // At the ends inside the picture, where one period is narrower than its name.
    const x = Math.min(Math.max(middle, plot.left + half), plot.left + plot.width - half);
    type.print(name, style, { x, y: bottom + LABEL + 4, align: "centre" });
  }
}

function printLegend({ document, type, colours, left, width, y }: Paper, { labels, withProfit, summary }: PeriodChart): void {
  const entries = [
    ...(summary.periods.some(({ earlier }) => earlier.year_before !== undefined)
      ? [{ name: labels.yearBefore, colour: colours.pale }]
      : []),
    { name: labels.revenue, colour: colours.accent },
    ...(withProfit ? [{ name: labels.profit, colour: colours.second }] : []),
  ];
  let right = left + width;
  for (const { name, colour } of entries.toReversed()) {
    const style = { size: LABEL, colour: colours.text };
    const text = type.measure(name, style);
    type.print(name, style, { x: right - text, y: y + 8 });
    document.rect(right - text - 11, y + 2, 7, 7).fill(colour);
    right -= text + 24;
  }
}
