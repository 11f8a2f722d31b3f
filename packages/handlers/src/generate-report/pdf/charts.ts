/**
 * The charts, as SVG drawn on the server by echarts. Bars throughout: a board compares lengths at a glance, and a shop
 * whose one category makes 95 % of its revenue would leave a pie with a single slice. Every bar carries its figure, so
 * the smallest one is still read.
 */
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent } from "echarts/components";
import { init, setPlatformAPI, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Named } from "../figures.ts";
import { createTextMeasure } from "./fonts.ts";
import { COLOUR, CONTENT_WIDTH, type Formats } from "./theme.ts";

use([BarChart, LineChart, GridComponent, LegendComponent, SVGRenderer]);
setPlatformAPI({ measureText: createTextMeasure() });

const TEXT = { fontFamily: "Roboto", fontSize: 8, color: COLOUR.text };
/** Labels longer than this are cut; the table beside the chart has the whole name. */
const LABEL_WIDTH = 120;

/** The plot shrinks until the labels of its axes are inside the picture too. */
const CONTAIN_LABELS = { outerBoundsMode: "same", outerBoundsContain: "axisLabel" } as const;

function draw(width: number, height: number, option: Record<string, unknown>): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: TEXT, ...option });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** Revenue by period as bars, profit as a line where there is one. */
export function periodChart(periods: readonly Named[], formats: Formats, withProfit: boolean): string {
  const axisLabel = { ...TEXT, color: COLOUR.muted };
  return draw(CONTENT_WIDTH, 190, {
    grid: { left: 6, right: 8, top: 26, bottom: 4, ...CONTAIN_LABELS },
    legend: { top: 0, right: 0, itemWidth: 10, itemHeight: 8, textStyle: TEXT },
    xAxis: {
      type: "category",
      data: periods.map(({ name }) => name),
      axisLabel: { ...axisLabel, hideOverlap: true },
      axisLine: { lineStyle: { color: COLOUR.rule } },
      axisTick: { show: false },
    },
    yAxis: {
      type: "value",
      splitNumber: 4,
      axisLabel: { ...axisLabel, formatter: (value: number) => formats.axisMoney(value) },
      splitLine: { lineStyle: { color: COLOUR.rule, width: 0.5 } },
    },
    series: [
      {
        type: "bar",
        name: "Revenue",
        data: periods.map(({ revenue }) => revenue),
        color: COLOUR.accent,
        barMaxWidth: 34,
        barCategoryGap: "28%",
      },
      ...(withProfit
        ? [
            {
              type: "line",
              name: "Profit",
              data: periods.map(({ profit }) => profit),
              color: COLOUR.second,
              symbol: "circle",
              symbolSize: 4,
              lineStyle: { width: 1.6 },
            },
          ]
        : []),
    ],
  });
}

/** Revenue of a few names as lying bars, largest on top, each with its figure and its share of the whole. */
export function rankingChart(rows: readonly Named[], whole: number, formats: Formats, width: number): string {
  const largest = Math.max(...rows.map(({ revenue }) => Math.abs(revenue)), 0);
  return draw(width, 18 + rows.length * 17, {
    grid: { left: 2, right: 100, top: 4, bottom: 2, ...CONTAIN_LABELS },
    xAxis: { type: "value", show: false, max: largest || 1 },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map(({ name }) => name),
      axisLabel: { ...TEXT, width: LABEL_WIDTH, overflow: "truncate" },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: [
      {
        type: "bar",
        barWidth: 9,
        color: COLOUR.accent,
        data: rows.map(({ revenue }) => ({ value: revenue, itemStyle: { color: revenue < 0 ? COLOUR.negative : COLOUR.accent } })),
        label: {
          show: true,
          position: "right",
          ...TEXT,
          formatter: ({ dataIndex }: { dataIndex: number }) => {
            const revenue = rows[dataIndex]?.revenue ?? 0;
            return `${formats.shortMoney(revenue)}   ${formats.share(revenue, whole)}`;
          },
        },
      },
    ],
  });
}
