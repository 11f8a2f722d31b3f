/**
 * Plots as SVG, drawn on the server by echarts, made fit for a page that allows neither scripts nor inline styles: what
 * echarts adds for pointers and animation is taken out, and fonts become attributes.
 */
import { BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, VisualMapComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart, GridComponent, LegendComponent, VisualMapComponent, SVGRenderer]);

export const COLOURS = [
  "#1F6F8B",
  "#E08E45",
  "#5B8C5A",
  "#B3423A",
  "#7A5C99",
  "#8A7A3F",
  "#3F6FB0",
  "#A8577E",
  "#4F9D9D",
  "#6B6B6B",
] as const;
export const MUTED = "#5B6B78";
export const RULE = "#D5DDE3";
export const WARNING = "#B3423A";
const WIDTH = 520;
export const TEXT = { fontFamily: "sans-serif", fontSize: 12, color: "#26333D" };
const LONGEST_TEXT = 32;

/**
 * A text of the data as a plot may show it: short, and without characters that no document may hold. echarts keeps what it
 * has measured as properties of an object, by the text: one that every object has, such as __proto__, would be taken for
 * measured, and be written to. It gets a joiner behind it, which is not seen.
 */
export function printable(text: string, longest: number = LONGEST_TEXT): string {
  const shown = shortened(text, longest);
  return shown in Object.prototype ? `${shown}\u2060` : shown;
}

function shortened(text: string, longest: number): string {
  const shown = text.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\u{FFFE}\u{FFFF}]/gu, "\u{FFFD}");
  return shown.length > longest
    ? `${shown
        .slice(0, longest - 1)
        .toWellFormed()
        .replace(/\u{FFFD}$/u, "")}…`
    : shown;
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

export function draw(height: number, option: Record<string, unknown>): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  try {
    chart.setOption({ animation: false, textStyle: TEXT, color: [...COLOURS], ...option });
    return withoutStyles(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

const STYLE_END = "</style>";

/** In tags alone: texts are escaped, so that nothing in them looks like a tag. */
function withoutStyles(svg: string): string {
  const [first = "", ...others] = svg.split("<style");
  const unstyled = first + others.map((part) => part.slice(part.indexOf(STYLE_END) + STYLE_END.length)).join("");
  return unstyled.replaceAll(/<[a-zA-Z][^<>]*>/g, (tag) =>
    tag
      .replaceAll(/ (?:class|ecmeta_[a-z_]+|pointer-events|baseProfile|xmlns:xlink|version)="[^"]*"/g, "")
      .replaceAll(/ style="([^"]*)"/g, (_, css: string) => attributesOf(css)),
  );
}

function attributesOf(css: string): string {
  const kept = css.split(";").flatMap((one) => {
    const [name = "", value = ""] = one.split(":");
    return ["font-size", "font-weight", "font-style"].includes(name) ? [` ${name}="${value}"`] : [];
  });
  return kept.join("");
}

const NUMBER = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4 });
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
const LEAST_PLAIN = 1e-4;

export function figure(value: number): string {
  if (!Number.isFinite(value)) return "not known";
  return value !== 0 && Math.abs(value) < LEAST_PLAIN ? value.toExponential(2) : NUMBER.format(value);
}
export const short = (value: number): string => SHORT.format(value);
