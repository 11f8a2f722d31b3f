/** The kinds of plot that reports are made of: lines, points, bars, bars with their spread, and a matrix of counts. */
import { COLOURS, draw, figure, MUTED, printable, RULE, short, TEXT } from "./drawing.ts";

/** What a page can hold of one plot. */
export const MOST_POINTS = 1_500;
const LEGEND = { top: 0, left: 0, itemWidth: 14, itemHeight: 8, textStyle: TEXT, type: "plain" };
const CONTAIN = { outerBoundsMode: "same", outerBoundsContain: "axisLabel" };

interface Axis {
  readonly name: string;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

const valueAxis = ({ name, ...range }: Axis, isY: boolean): Record<string, unknown> => ({
  type: "value",
  name: printable(name, 40),
  nameLocation: "middle",
  nameGap: isY ? 40 : 24,
  scale: true,
  ...range,
  nameTextStyle: { ...TEXT, color: MUTED },
  axisLabel: { ...TEXT, fontSize: 11, color: MUTED, formatter: short, hideOverlap: true },
  splitLine: { lineStyle: { color: RULE, width: 0.5 } },
  axisLine: { lineStyle: { color: RULE } },
});

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
  readonly kind?: "line" | "dashed" | "points" | "dots";
  readonly colour?: string;
}

export interface XyPlot {
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly height?: number;
}

export function xyPlot({ x, y, series, height = 340 }: XyPlot): string {
  return draw(height, {
    legend: {
      ...LEGEND,
      data: series.map((_, index) => String(index)),
      formatter: (name: string) => printable(series[Number(name)]!.name, 44),
    },
    grid: { left: 58, right: 14, top: 26 + 18 * Math.ceil(series.length / 2), bottom: 44 },
    xAxis: valueAxis(x, false),
    yAxis: valueAxis(y, true),
    series: series.map(({ points, kind = "line", colour }, index) => ({
      name: String(index),
      type: kind === "points" || kind === "dots" ? "scatter" : "line",
      data: points,
      showSymbol: false,
      symbol: "circle",
      symbolSize: kind === "points" ? 4 : 7,
      ...(colour && { color: colour }),
      lineStyle: { width: kind === "dashed" ? 1 : 2, type: kind === "dashed" ? "dashed" : "solid" },
      itemStyle: { opacity: kind === "points" ? 0.55 : 1 },
    })),
  });
}

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly spread?: number | undefined;
  readonly colour?: string | undefined;
}

/** Lying bars, each with its figure; a thin line shows how far repeats lie apart. */
export function barPlot(bars: readonly Bar[], label: (bar: Bar) => string = ({ value }) => figure(value)): string {
  const ends = bars.flatMap(({ value, spread = 0 }) => [value - spread, value + spread]);
  return draw(24 + 24 * bars.length, {
    grid: { left: 4, right: 110, top: 6, bottom: 6, ...CONTAIN },
    xAxis: { type: "value", show: false, min: Math.min(0, ...ends), max: Math.max(0, ...ends) || 1 },
    yAxis: {
      type: "category",
      inverse: true,
      data: bars.map((_, index) => String(index)),
      axisLabel: { ...TEXT, formatter: (place: string) => printable(bars[Number(place)]!.name, 26) },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: [
      {
        type: "bar",
        barWidth: 12,
        data: bars.map(({ value, colour }) => ({ value, itemStyle: { color: colour ?? COLOURS[0] } })),
      },
      {
        type: "custom",
        data: bars.map(({ value, spread = 0 }, index) => [value, index, value - spread, value + spread]),
        renderItem: spreadAndFigure(bars, label),
        encode: { x: [2, 3], y: 1 },
      },
    ],
  });
}

interface ItemApi {
  value(dimension: number): number;
  coord(point: readonly [number, number]): [number, number];
}

function spreadAndFigure(bars: readonly Bar[], label: (bar: Bar) => string) {
  return (_: unknown, api: ItemApi): unknown => {
    const place = api.value(1);
    const [from, y] = api.coord([api.value(2), place]);
    const [to] = api.coord([api.value(3), place]);
    const [zero] = api.coord([0, place]);
    const bar = bars[place]!;
    return {
      type: "group",
      children: [
        ...(bar.spread ? [{ type: "line", shape: { x1: from, y1: y, x2: to, y2: y }, style: { stroke: "#14324A", lineWidth: 2 } }] : []),
        {
          type: "text",
          x: Math.max(to, zero) + 8,
          y,
          style: { text: label(bar), fill: TEXT.color, fontSize: 12, textVerticalAlign: "middle" },
        },
      ],
    };
  };
}

/** Standing bars over a number that is cut into bins. */
export function histogram(
  bins: readonly { readonly from: number; readonly to: number; readonly count: number; readonly colour?: string }[],
  axis: string,
): string {
  return draw(280, {
    grid: { left: 58, right: 14, top: 14, bottom: 44 },
    xAxis: {
      type: "category",
      name: axis,
      nameLocation: "middle",
      nameGap: 24,
      nameTextStyle: { ...TEXT, color: MUTED },
      data: bins.map((_, index) => String(index)),
      axisLabel: { ...TEXT, fontSize: 11, color: MUTED, formatter: (place: string) => short(bins[Number(place)]!.from), hideOverlap: true },
    },
    yAxis: valueAxis({ name: "rows" }, true),
    series: [
      {
        type: "bar",
        barCategoryGap: "8%",
        data: bins.map(({ count, colour }) => ({ value: count, itemStyle: { color: colour ?? COLOURS[0] } })),
      },
    ],
  });
}

/** Counts, row = what is true, column = what was said. */
export function matrixPlot(names: readonly string[], counts: readonly (readonly number[])[]): string {
  const most = Math.max(1, ...counts.flat());
  const cells = counts.flatMap((row, truth) => row.map((count, said) => [said, truth, count]));
  const axis = { ...TEXT, fontSize: 11, formatter: (place: string) => printable(names[Number(place)]!, names.length > 6 ? 10 : 18) };
  const data = names.map((_, index) => String(index));
  return draw(110 + 34 * names.length, {
    grid: { left: 30, right: 10, top: 10, bottom: 34, ...CONTAIN },
    xAxis: {
      type: "category",
      data,
      name: "predicted",
      nameLocation: "middle",
      nameGap: 34,
      axisLabel: { ...axis, interval: 0, rotate: names.length > 6 ? 40 : 0 },
    },
    yAxis: { type: "category", data, inverse: true, name: "true", nameLocation: "start", axisLabel: { ...axis, interval: 0 } },
    visualMap: { show: false, min: 0, max: most, dimension: 2, inRange: { color: ["#F3F6F8", "#1F6F8B"] } },
    series: [
      {
        type: "heatmap",
        data: cells,
        label: { show: true, fontSize: 12, formatter: ({ value }: { value: readonly number[] }) => value[2]!.toLocaleString("en-US") },
        itemStyle: { borderColor: "#fff", borderWidth: 1 },
      },
    ],
  });
}
