/** The plots of a classifier or regressor, drawn from the very rows its metrics are of. */
import { columnOf, forEachCut, type Model, sampleWithoutReplacement, seededRandom } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { HeldOut } from "../../learning/trust.ts";
import type { Target } from "../../preprocess/target.ts";
import { COLOURS, figure, printable, WARNING } from "./drawing.ts";
import { barPlot, matrixPlot, MOST_POINTS, xyPlot, type Series } from "./plots.ts";
import type { Figure } from "./sections.ts";

const CURVE_POINTS = 200;
const MOST_CURVES = 6;
const MOST_CLASSES = 20;
const BINS = 10;

export interface Measured {
  readonly target: Target;
  /** Answered: with what was decided, or how wide the intervals are. */
  readonly held: HeldOut;
  readonly positive: number | undefined;
  readonly metrics: JsonObject;
}

export function measuredFigures({ target, held, positive, metrics }: Measured): Figure[] {
  if (held.y.length === 0) return [];
  return target.kind === "class" ? classFigures({ target, held, positive, metrics }) : numberFigures(held, metrics);
}

const valueOf = (metrics: JsonObject, name: string): string => (typeof metrics[name] === "number" ? figure(metrics[name]) : "not known");

function classFigures({ target, held, positive, metrics }: Measured): Figure[] {
  const { classes } = target;
  const codes = classes.length === 2 ? [positive ?? 1] : classes.map((_, code) => code).slice(0, MOST_CURVES);
  const left =
    classes.length > 2 && classes.length > MOST_CURVES ? `The first ${MOST_CURVES} of ${classes.length} classes are drawn.` : undefined;
  const curves = codes.map((code) => ({ name: classes[code]!, ...curvesOf(held, code, classes.length) }));
  const confusion = metrics["confusion"] as { readonly counts: number[][] } | undefined;
  return [
    {
      id: "roc",
      title: `ROC: area ${valueOf(metrics, "roc_auc")}`,
      note: left,
      svg: xyPlot({
        x: { name: "share of the others flagged", min: 0, max: 1 },
        y: { name: "share found (recall)", min: 0, max: 1 },
        series: [
          ...curves.map(({ name, roc }): Series => ({ name, points: roc })),
          {
            name: "chance",
            points: [
              [0, 0],
              [1, 1],
            ],
            kind: "dashed",
            colour: "#9AA5AD",
          },
        ],
      }),
    },
    {
      id: "precision-recall",
      title: `Precision and recall: average precision ${valueOf(metrics, "pr_auc")}`,
      note: left,
      svg: xyPlot({
        x: { name: "recall", min: 0, max: 1 },
        y: { name: "precision", min: 0, max: 1 },
        series: curves.map(({ name, precisionRecall }): Series => ({ name, points: precisionRecall })),
      }),
    },
    calibrationFigure(held, { classCount: classes.length, positive, metrics }),
    ...(confusion && classes.length <= MOST_CLASSES
      ? [
          {
            id: "confusion",
            title: `Confusion, true class by row: accuracy ${valueOf(metrics, "accuracy")}`,
            svg: matrixPlot(classes, confusion.counts),
          },
        ]
      : []),
  ];
}

type Point = readonly [number, number];

function curvesOf(
  { y, predicted }: HeldOut,
  code: number,
  classCount: number,
): { readonly roc: readonly Point[]; readonly precisionRecall: readonly Point[] } {
  const positive = Uint8Array.from(y, (value) => (value === code ? 1 : 0));
  const positives = positive.reduce((total, one) => total + one, 0);
  const roc: Point[] = [[0, 0]];
  const precisionRecall: Point[] = [];
  forEachCut(positive, columnOf(predicted, code, classCount), (trues, falses) => {
    roc.push([falses / Math.max(1, positive.length - positives), trues / Math.max(1, positives)]);
    precisionRecall.push([trues / Math.max(1, positives), trues / (trues + falses)]);
  });
  return { roc: thinned(roc), precisionRecall: thinned(precisionRecall) };
}

/** Evenly along the curve, its ends with it. */
function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= CURVE_POINTS) return points;
  return Array.from({ length: CURVE_POINTS }, (_, at) => points[Math.round((at * (points.length - 1)) / (CURVE_POINTS - 1))]!);
}

function calibrationFigure(
  { y, predicted, codes }: HeldOut,
  { classCount, positive, metrics }: { readonly classCount: number; readonly positive: number | undefined; readonly metrics: JsonObject },
): Figure {
  const isTwo = classCount === 2 && positive !== undefined;
  const said = Float64Array.from(y, (_, row) => predicted[row * classCount + (isTwo ? positive : codes![row]!)]!);
  const happened = Float64Array.from(y, (value, row) => (value === (isTwo ? positive : codes![row]!) ? 1 : 0));
  const bins = Array.from({ length: BINS }, () => ({ said: 0, happened: 0, rows: 0 }));
  for (let row = 0; row < y.length; row += 1) {
    const bin = bins[Math.min(BINS - 1, Math.floor(said[row]! * BINS))]!;
    bin.said += said[row]!;
    bin.happened += happened[row]!;
    bin.rows += 1;
  }
  const points = bins.filter(({ rows }) => rows > 0).map((bin): Point => [bin.said / bin.rows, bin.happened / bin.rows]);
  const error = (metrics["calibration"] as { readonly error?: number } | undefined)?.error;
  return {
    id: "calibration",
    title: `Calibration: Brier score ${valueOf(metrics, "brier")}${error === undefined ? "" : `, error ${figure(error)}`}`,
    note: `Rows by tenths of the probability: ${bins.map(({ rows }) => rows.toLocaleString("en-US")).join(", ")}.`,
    svg: xyPlot({
      x: { name: "probability that was given", min: 0, max: 1 },
      y: { name: "share that was so", min: 0, max: 1 },
      series: [
        { name: "rows in tenths of the probability", points },
        {
          name: "where both are equal",
          points: [
            [0, 0],
            [1, 1],
          ],
          kind: "dashed",
          colour: "#9AA5AD",
        },
        { name: "tenths with rows", points, kind: "dots", colour: COLOURS[0] },
      ],
    }),
  };
}

interface Tenth {
  readonly share_inside: number;
  readonly from: number;
  readonly to: number;
}

function numberFigures({ y, predicted, halfWidth }: HeldOut, metrics: JsonObject): Figure[] {
  const rows = drawnRows(y.length);
  const drawn =
    rows.length < y.length
      ? `${rows.length.toLocaleString("en-US")} of ${y.length.toLocaleString("en-US")} rows are drawn, by chance.`
      : undefined;
  const byPrediction = Int32Array.from(rows).sort((a, b) => predicted[a]! - predicted[b]!);
  const band = halfWidth ? thinned(Array.from(byPrediction, (row): Point => [predicted[row]!, halfWidth[row]!])) : [];
  const tenths = ((metrics["interval"] as { readonly by_prediction?: readonly Tenth[] } | undefined)?.by_prediction ?? []).map((tenth) => ({
    name: `${figure(tenth.from)} to ${figure(tenth.to)}`,
    value: tenth.share_inside,
  }));
  const low = rows.reduce((least, row) => Math.min(least, y[row]!, predicted[row]!), Infinity);
  const high = rows.reduce((most, row) => Math.max(most, y[row]!, predicted[row]!), -Infinity);
  return [
    {
      id: "predicted",
      title: `Predicted and true: R² ${valueOf(metrics, "r2")}, RMSE ${valueOf(metrics, "rmse")}`,
      note: drawn,
      svg: xyPlot({
        x: { name: "predicted" },
        y: { name: "true" },
        series: [
          { name: "rows", points: Array.from(rows, (row): Point => [predicted[row]!, y[row]!]), kind: "points" },
          {
            name: "where both are equal",
            points: [
              [low, low],
              [high, high],
            ],
            kind: "dashed",
            colour: "#9AA5AD",
          },
        ],
      }),
    },
    {
      id: "residuals",
      title: "Errors and intervals, by prediction",
      note: drawn,
      svg: xyPlot({
        x: { name: "predicted" },
        y: { name: "true less predicted" },
        series: [
          { name: "rows", points: Array.from(rows, (row): Point => [predicted[row]!, y[row]! - predicted[row]!]), kind: "points" },
          ...(band.length > 0
            ? [
                { name: "upper end of the interval", points: band, colour: COLOURS[1] },
                { name: "lower end", points: band.map(([at, width]): Point => [at, -width]), colour: COLOURS[1] },
              ]
            : []),
        ],
      }),
    },
    ...(tenths.length > 0
      ? [
          {
            id: "coverage",
            title: "Share of true values inside the interval, by tenths of the prediction",
            svg: barPlot(tenths, ({ value }) => `${figure(100 * value)} %`),
          },
        ]
      : []),
  ];
}

function drawnRows(count: number): Int32Array {
  if (count <= MOST_POINTS) return Int32Array.from({ length: count }, (_, row) => row);
  return sampleWithoutReplacement(seededRandom(count), MOST_POINTS, count);
}

interface Importance {
  readonly column: string;
  readonly importance?: number;
  readonly permutation?: { readonly mean: number; readonly std: number };
}

const MOST_BARS = 20;

/** `found`: as the result has them. */
export function importanceFigures(found: readonly JsonObject[], terms: JsonObject): Figure[] {
  const columns = found as unknown as readonly Importance[];
  const worth = columns.flatMap(({ column, permutation }) =>
    permutation ? [{ name: column, value: permutation.mean, spread: permutation.std }] : [],
  );
  const gain = columns
    .flatMap(({ column, importance }) => (importance === undefined ? [] : [{ name: column, value: importance, colour: COLOURS[1] }]))
    .toSorted((a, b) => b.value - a.value);
  const { measure, rows, repeats } = (terms["permutation"] ?? {}) as {
    readonly measure?: string;
    readonly rows?: number;
    readonly repeats?: number;
  };
  const cut = (count: number): string | undefined =>
    count > MOST_BARS ? `The first ${MOST_BARS} of ${count} columns are drawn.` : undefined;
  return [
    ...(worth.length > 0
      ? [
          {
            id: "importances",
            title: `What columns are worth: rise of ${printable(measure ?? "the loss")} without them`,
            note: `On ${rows?.toLocaleString("en-US")} held-out rows, ${repeats} repeats; lines show their standard deviation. ${cut(worth.length) ?? ""}`,
            svg: barPlot(worth.slice(0, MOST_BARS)),
          },
        ]
      : []),
    ...(gain.length > 0
      ? [
          {
            id: "gains",
            title: "What learning made of the columns (of trees the gain, of weights their size)",
            note: cut(gain.length),
            svg: barPlot(gain.slice(0, MOST_BARS)),
          },
        ]
      : []),
  ];
}

export function learningCurve(model: Model | undefined): Figure[] {
  const curve = model && "curve" in model ? model.curve : undefined;
  if (!curve || curve.length < 2) return [];
  const best = curve.indexOf(curve.reduce((least, loss) => Math.min(least, loss), Infinity));
  return [
    {
      id: "learning-curve",
      title: `Learning curve: least loss after ${best + 1} of ${curve.length} rounds`,
      note: "On rows held back from learning.",
      svg: xyPlot({
        x: { name: "round" },
        y: { name: "loss" },
        series: [
          { name: "loss on rows held back", points: thinned(Array.from(curve, (loss, round): Point => [round + 1, loss])) },
          { name: "kept", points: [[best + 1, curve[best]!]], kind: "dots", colour: WARNING },
        ],
      }),
    },
  ];
}
