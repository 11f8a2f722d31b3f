/** Whether what a server holds grows: told from samples over time, past its first third, in which it warms up. */
import { quantile } from "@streamer/contract/torture";

export interface Sample {
  /** Since the first, in hours. */
  readonly hours: number;
  readonly heapMiB: number;
  readonly descriptors: number;
  /** Files in its folder, without those that a request not yet past its retention accounts for. */
  readonly unexplainedFiles: number;
}

export interface Trend {
  /** A least-squares line's, per hour. */
  readonly slope: number;
  /** Its standard error: wide in a short run. */
  readonly error: number;
}

/** MiB an hour. */
const MOST_SLOPE = 1;
/** Less is what caches and compiled code take up: a window must have grown by more, whatever its slope. */
const LEAST_GROWTH_MIB = 2;
/** A connection or two that come back at the moment of a sample; a file of a log that is being folded back. */
const FLAT_WITHIN = 6;

export const counted = (samples: readonly Sample[]): readonly Sample[] => samples.slice(Math.floor(samples.length / 3));

export function trendOf(points: readonly { readonly x: number; readonly y: number }[]): Trend {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map((point) => point.x)), mean(points.map((point) => point.y))];
  const spread = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
  const slope = points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / spread;
  const residual = points.reduce((sum, point) => sum + (point.y - y - slope * (point.x - x)) ** 2, 0);
  return { slope, error: Math.sqrt(residual / (points.length - 2) / spread) };
}

export const heapTrend = (samples: readonly Sample[]): Trend => trendOf(samples.map(({ hours, heapMiB }) => ({ x: hours, y: heapMiB })));

/** What has grown that should be flat; `samples` are those that count. */
export function judgeGrowth(samples: readonly Sample[]): readonly string[] {
  const { slope, error } = heapTrend(samples);
  const growth = slope * (samples.at(-1)!.hours - samples[0]!.hours);
  const isLeaking = slope - 2 * error > MOST_SLOPE && growth > LEAST_GROWTH_MIB;
  const rate = `${slope.toFixed(1)} ± ${error.toFixed(1)} MiB/h`;
  return [
    ...(isLeaking ? [`the heap grows by ${rate}, by ${growth.toFixed(1)} MiB in ${samples.length} samples`] : []),
    ...judgeFlat(
      "descriptors",
      samples.map(({ descriptors }) => descriptors),
    ),
    ...judgeFlat(
      "files that no request accounts for",
      samples.map(({ unexplainedFiles }) => unexplainedFiles),
    ),
  ];
}

function judgeFlat(what: string, values: readonly number[]): readonly string[] {
  const third = Math.ceil(values.length / 3);
  const [before, after] = [quantile(values.slice(0, third), 0.5), quantile(values.slice(-third), 0.5)];
  return after > before + FLAT_WITHIN ? [`${what} went from ${before} to ${after}`] : [];
}
