/**
 * Logistic regression: two classes by one logit, more by softmax. Minimised is the mean loss plus |w|² / (2 C rows),
 * which has the same minimum as the sum of losses times C plus |w|² / 2; the intercepts are not penalised. Features are
 * taken as they come: scale them first, both for the penalty to be fair and for the fit to be quick.
 */
import type { Matrix } from "../matrix.ts";
import { minimize, type Minimum } from "./minimize.ts";
import type { ClassWeighting, Classifier, FitContext, Labels } from "../model.ts";
import { paced, type Steps } from "../pacing.ts";
import { type ModelJson, packNumbers, readCount, unpackFloats } from "../packing.ts";
import { addColumn, BLOCK_ROWS, dotColumn, linearColumns, type Block, type LinearColumn } from "./sparse-columns.ts";
import { assertUsable } from "../usable.ts";
import { rowWeightsOf, totalWeight } from "../weights.ts";

export interface LogisticOptions extends ClassWeighting {
  /** Inverse strength of the penalty. Default 1. */
  readonly c?: number | undefined;
  /** Default 2,000. */
  readonly maxIterations?: number | undefined;
}

/** Of the mean loss by scaled parameters: half its square is what is left to gain, far below what a probability shows. */
const GRADIENT_TOLERANCE = 1e-6;

export async function fitLogistic(x: Matrix, labels: Labels, options: LogisticOptions, context: FitContext): Promise<Classifier> {
  const { maxIterations = 2_000 } = options;
  const problem = await paced(prepared(x, labels, options), context.signal);
  // The gradient rises now and then on its way down; what is told does not.
  let told = 0;
  const tell = (iteration: number, gradient: number): void => {
    told = Math.max(told, progressOf(gradient, iteration / maxIterations));
    context.tell(told, `Iteration ${iteration}`);
  };
  const steps = (): Steps<Minimum> =>
    minimize((point, gradient) => problem.evaluate(point, gradient), new Float64Array(problem.logitCount * (x.columns.length + 1)), {
      maxIterations,
      gradientTolerance: GRADIENT_TOLERANCE,
      tell,
    });
  const { point } = await paced(steps(), context.signal);
  context.tell(1, "Fitted");
  return logisticModel(problem.unscaled(point), labels.classCount);
}

function* prepared(x: Matrix, labels: Labels, options: LogisticOptions): Steps<LogisticLoss> {
  yield* assertUsable(x, "refused");
  return new LogisticLoss(yield* linearColumns(x), labels, options);
}

/** Convergence is linear in the logarithm: so is the progress told. */
function progressOf(gradient: number, iterationShare: number): number {
  return Math.min(0.99, Math.max(iterationShare, Math.log10(Math.max(gradient, GRADIENT_TOLERANCE)) / Math.log10(GRADIENT_TOLERANCE), 0));
}

/**
 * Parameters: for each logit the weights of the features, then the intercept; each divided by the root of its curvature
 * at the start (mean x² / 4, and the penalty), so that rare one-hot columns do not make the valley long: adult-income
 * takes 295 iterations instead of 474 by it.
 */
class LogisticLoss {
  readonly logitCount: number;
  readonly #columns: readonly LinearColumn[];
  readonly #labels: Labels;
  readonly #weights: Float64Array | undefined;
  readonly #totalWeight: number;
  readonly #penalty: number;
  readonly #scales: Float64Array;
  /** One logit after another, BLOCK_ROWS each. */
  readonly #logits: Float64Array[];

  constructor(columns: readonly LinearColumn[], labels: Labels, options: LogisticOptions) {
    this.logitCount = labels.classCount === 2 ? 1 : labels.classCount;
    this.#columns = columns;
    this.#labels = labels;
    this.#weights = rowWeightsOf(labels, options);
    this.#totalWeight = totalWeight(labels.codes.length, this.#weights);
    this.#penalty = 1 / ((options.c ?? 1) * this.#totalWeight);
    this.#scales = scalesOf(columns, labels.codes.length, this.#penalty);
    this.#logits = Array.from({ length: this.logitCount }, () => new Float64Array(BLOCK_ROWS));
  }

  unscaled(scaled: Float64Array): Float64Array {
    return scaled.map((value, at) => value * this.#scales[at % this.#scales.length]!);
  }

  *evaluate(scaled: Float64Array, gradient: Float64Array): Steps<number> {
    const point = this.unscaled(scaled);
    const { codes } = this.#labels;
    const stride = this.#columns.length + 1;
    gradient.fill(0);
    let loss = 0;
    for (let index = 0; index * BLOCK_ROWS < codes.length; index += 1) {
      const from = index * BLOCK_ROWS;
      const rowCount = Math.min(BLOCK_ROWS, codes.length - from);
      const blocks = this.#logits.map((numbers) => ({ index, rowCount, numbers }));
      blocks.forEach((block, logit) => fillLogits(block, this.#columns, point.subarray(logit * stride, (logit + 1) * stride)));
      loss += this.logitCount === 1 ? this.#binomial(from, rowCount) : this.#multinomial(from, rowCount);
      blocks.forEach((block, logit) => addGradient(block, this.#columns, gradient.subarray(logit * stride, (logit + 1) * stride)));
      yield;
    }
    return loss / this.#totalWeight + this.#penalise(point, gradient);
  }

  /** Logits become residuals (probability - truth, weighted). */
  #binomial(from: number, rowCount: number): number {
    const logits = this.#logits[0]!;
    let loss = 0;
    for (let row = 0; row < rowCount; row += 1) {
      const weight = this.#weights?.[from + row] ?? 1;
      const isTrue = this.#labels.codes[from + row]!;
      const logit = logits[row]!;
      // exp of a negative number only, so that no logit is too large.
      const small = Math.exp(-Math.abs(logit));
      loss += weight * (Math.log1p(small) + Math.max(logit, 0) - isTrue * logit);
      logits[row] = weight * ((logit >= 0 ? 1 : small) / (1 + small) - isTrue);
    }
    return loss;
  }

  #multinomial(from: number, rowCount: number): number {
    const logits = this.#logits;
    let loss = 0;
    for (let row = 0; row < rowCount; row += 1) {
      const weight = this.#weights?.[from + row] ?? 1;
      const truth = this.#labels.codes[from + row]!;
      let highest = -Infinity;
      for (let code = 0; code < logits.length; code += 1) highest = Math.max(highest, logits[code]![row]!);
      const trueLogit = logits[truth]![row]! - highest;
      let total = 0;
      for (let code = 0; code < logits.length; code += 1) total += logits[code]![row] = Math.exp(logits[code]![row]! - highest);
      loss += weight * (Math.log(total) - trueLogit);
      for (let code = 0; code < logits.length; code += 1) {
        logits[code]![row] = weight * (logits[code]![row]! / total - (code === truth ? 1 : 0));
      }
    }
    return loss;
  }

  #penalise(point: Float64Array, gradient: Float64Array): number {
    const stride = this.#columns.length + 1;
    let squares = 0;
    for (let at = 0; at < point.length; at += 1) {
      const isIntercept = (at + 1) % stride === 0;
      const slope = gradient[at]! / this.#totalWeight + (isIntercept ? 0 : this.#penalty * point[at]!);
      gradient[at] = slope * this.#scales[at % stride]!;
      if (!isIntercept) squares += point[at]! ** 2;
    }
    return (this.#penalty * squares) / 2;
  }
}

function scalesOf(columns: readonly LinearColumn[], rowCount: number, penalty: number): Float64Array {
  const meanSquares = columns.map(({ dense, sparse }) => sumOfSquares(dense ?? sparse.values) / rowCount);
  return Float64Array.from([...meanSquares, 1], (meanSquare) => 1 / Math.sqrt(meanSquare / 4 + penalty));
}

function sumOfSquares(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value * value;
  return total;
}

function fillLogits(block: Block, columns: readonly LinearColumn[], parameters: Float64Array): void {
  block.numbers.fill(parameters[columns.length]!);
  columns.forEach((column, at) => addColumn(block, column, parameters[at]!));
}

function addGradient(block: Block, columns: readonly LinearColumn[], gradient: Float64Array): void {
  columns.forEach((column, at) => (gradient[at]! += dotColumn(block, column)));
  let total = 0;
  for (let row = 0; row < block.rowCount; row += 1) total += block.numbers[row]!;
  gradient[columns.length]! += total;
}

function logisticModel(parameters: Float64Array, classCount: number): Classifier {
  const logitCount = classCount === 2 ? 1 : classCount;
  const stride = parameters.length / logitCount;
  const logitsOf = (x: Matrix, logit: number): Float64Array => linearScores(x, parameters.subarray(logit * stride, (logit + 1) * stride));
  return {
    kind: "classifier",
    classCount,
    predictProbabilities: (x) => {
      const logits = Array.from({ length: logitCount }, (_, logit) => logitsOf(x, logit));
      return logitCount === 1 ? sigmoids(logits[0]!) : softmaxes(logits);
    },
    importances: () => meanMagnitudes(parameters, stride),
    toJSON: (): ModelJson => ({ model: "logistic", classes: classCount, parameters: packNumbers(parameters) }),
  };
}

export const restoreLogistic = (json: ModelJson): Classifier => logisticModel(unpackFloats(json, "parameters"), readCount(json, "classes"));

/** Rows of four columns and their scores fit the fastest cache. */
const SCORE_ROWS = 1_024;

/** Features times weights, plus the intercept that follows them. */
export function linearScores(x: Matrix, parameters: Float64Array): Float64Array {
  const width = x.columns.length;
  const scores = new Float64Array(x.rowCount).fill(parameters[width]!);
  for (let from = 0; from < x.rowCount; from += SCORE_ROWS) {
    const to = Math.min(x.rowCount, from + SCORE_ROWS);
    const block = scores.subarray(from, to);
    const columns = x.columns.map((column) => column.subarray(from, to));
    let at = 0;
    for (; at + 3 < width; at += 4) addFour(block, columns, parameters, at);
    for (; at < width; at += 1) addOne(block, columns[at]!, parameters[at]!);
  }
  return scores;
}

/** Four columns a pass: each score is read and written a quarter as often. */
function addFour(scores: Float64Array, columns: readonly Float64Array[], weights: Float64Array, at: number): void {
  const [a, b, c, d] = [columns[at]!, columns[at + 1]!, columns[at + 2]!, columns[at + 3]!];
  const [u, v, w, z] = [weights[at]!, weights[at + 1]!, weights[at + 2]!, weights[at + 3]!];
  for (let row = 0; row < scores.length; row += 1) scores[row]! += u * a[row]! + v * b[row]! + (w * c[row]! + z * d[row]!);
}

function addOne(scores: Float64Array, column: Float64Array, weight: number): void {
  for (let row = 0; row < scores.length; row += 1) scores[row]! += weight * column[row]!;
}

/** Both probabilities of each row, from the logit of the second class. */
export function sigmoids(logits: Float64Array): Float64Array {
  const probabilities = new Float64Array(2 * logits.length);
  for (let row = 0; row < logits.length; row += 1) {
    const small = Math.exp(-Math.abs(logits[row]!));
    const larger = 1 / (1 + small);
    const isSecond = logits[row]! >= 0;
    probabilities[2 * row] = isSecond ? small * larger : larger;
    probabilities[2 * row + 1] = isSecond ? larger : small * larger;
  }
  return probabilities;
}

/** Row-major probabilities from one array of logits a class. */
export function softmaxes(logits: readonly Float64Array[]): Float64Array {
  const classCount = logits.length;
  const rowCount = logits[0]!.length;
  const probabilities = new Float64Array(rowCount * classCount);
  for (let row = 0; row < rowCount; row += 1) {
    let highest = -Infinity;
    for (let code = 0; code < classCount; code += 1) highest = Math.max(highest, logits[code]![row]!);
    let total = 0;
    for (let code = 0; code < classCount; code += 1)
      total += probabilities[row * classCount + code] = Math.exp(logits[code]![row]! - highest);
    for (let code = 0; code < classCount; code += 1) probabilities[row * classCount + code]! /= total;
  }
  return probabilities;
}

/** Mean |weight| of each feature over the logits, as shares of 1: comparable where the features are scaled. */
export function meanMagnitudes(parameters: Float64Array, stride: number): Float64Array {
  const sums = new Float64Array(stride - 1);
  for (let at = 0; at < parameters.length; at += 1) if ((at + 1) % stride !== 0) sums[at % stride]! += Math.abs(parameters[at]!);
  const total = sums.reduce((sum, value) => sum + value, 0);
  return total === 0 ? sums : sums.map((value) => value / total);
}
