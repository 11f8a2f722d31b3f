/**
 * L-BFGS (Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5): the minimum of a smooth function from its
 * values and gradients, with the curvature remembered from the last MEMORY steps. The line search brackets and bisects
 * until both weak Wolfe conditions hold (Lewis and Overton 2013), which keeps the remembered curvature positive; the
 * step of 1 is tried first and nearly always taken.
 */
import type { Steps } from "../pacing.ts";

/** Writes the gradient at the point and returns the value, in pieces. */
export type Objective = (point: Float64Array, gradient: Float64Array) => Steps<number>;

export interface MinimizeOptions {
  readonly maxIterations: number;
  /** Done when no component of the gradient is larger. */
  readonly gradientTolerance: number;
  readonly tell: (iteration: number, largestGradient: number) => void;
}

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  readonly iterations: number;
  readonly isConverged: boolean;
}

/** More than the usual 10: one-hot columns add up to the intercept, and adult-income takes half the iterations by it. */
const MEMORY = 40;
/** Sufficient decrease and curvature: the usual constants of quasi-Newton methods. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
/** Below this relative change the value is noise of its own rounding. */
const SMALLEST_CHANGE = 1e-14;
const MAX_HALVINGS = 40;

interface Place {
  readonly point: Float64Array;
  readonly gradient: Float64Array;
  readonly value: number;
}

export function* minimize(objective: Objective, start: Float64Array, options: MinimizeOptions): Steps<Minimum> {
  const memory: { readonly step: Float64Array; readonly change: Float64Array; readonly inverse: number }[] = [];
  const firstGradient = new Float64Array(start.length);
  let here: Place = { point: start, gradient: firstGradient, value: yield* objective(start, firstGradient) };
  for (let iteration = 0; ; iteration += 1) {
    const largest = largestOf(here.gradient);
    options.tell(iteration, largest);
    if (largest <= options.gradientTolerance) return { point: here.point, value: here.value, iterations: iteration, isConverged: true };
    if (iteration === options.maxIterations) break;
    const direction = descent(here.gradient, memory);
    const next: Place | undefined = yield* search(objective, here, direction, memory.length === 0);
    if (!next) break;
    const step = subtract(next.point, here.point);
    const change = subtract(next.gradient, here.gradient);
    const curvature = dot(step, change);
    if (curvature > 0) memory.push({ step, change, inverse: 1 / curvature });
    if (memory.length > MEMORY) memory.shift();
    const isStill = here.value - next.value <= SMALLEST_CHANGE * Math.max(1, Math.abs(next.value));
    here = next;
    if (isStill) return { point: here.point, value: here.value, iterations: iteration + 1, isConverged: true };
  }
  return { point: here.point, value: here.value, iterations: options.maxIterations, isConverged: false };
}

type Memory = readonly { readonly step: Float64Array; readonly change: Float64Array; readonly inverse: number }[];

/** The two-loop recursion: the gradient through the remembered inverse curvature, downhill. */
function descent(gradient: Float64Array, memory: Memory): Float64Array {
  const direction = gradient.map((value) => -value);
  const shares = memory.map(() => 0);
  for (let at = memory.length - 1; at >= 0; at -= 1) {
    const { step, change, inverse } = memory[at]!;
    shares[at] = inverse * dot(step, direction);
    addScaled(direction, -shares[at]!, change);
  }
  const newest = memory.at(-1);
  if (newest) scale(direction, 1 / (newest.inverse * dot(newest.change, newest.change)));
  memory.forEach(({ step, change, inverse }, at) => {
    addScaled(direction, shares[at]! - inverse * dot(change, direction), step);
  });
  return direction;
}

function* search(objective: Objective, from: Place, direction: Float64Array, isFirst: boolean): Steps<Place | undefined> {
  const slope = dot(from.gradient, direction);
  let length = isFirst ? Math.min(1, 1 / largestOf(direction)) : 1;
  let low = 0;
  let high = Infinity;
  for (let attempt = 0; attempt < MAX_HALVINGS; attempt += 1) {
    const point = from.point.slice();
    addScaled(point, length, direction);
    const gradient = new Float64Array(point.length);
    const value = yield* objective(point, gradient);
    if (!(value <= from.value + DECREASE * length * slope)) high = length;
    else if (dot(gradient, direction) < CURVATURE * slope) low = length;
    else return { point, gradient, value };
    length = high === Infinity ? 2 * low : (low + high) / 2;
  }
  return undefined;
}

const largestOf = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let at = 0; at < a.length; at += 1) total += a[at]! * b[at]!;
  return total;
}

function addScaled(target: Float64Array, factor: number, values: Float64Array): void {
  for (let at = 0; at < target.length; at += 1) target[at]! += factor * values[at]!;
}

function scale(values: Float64Array, factor: number): void {
  for (let at = 0; at < values.length; at += 1) values[at]! *= factor;
}

const subtract = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, at) => value - b[at]!);
