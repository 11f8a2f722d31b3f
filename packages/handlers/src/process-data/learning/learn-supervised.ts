/**
 * Learns to predict a target, in two ways. With a test part: candidates are compared on rows held out of the training
 * part, the chosen one's confidences are fitted to those same rows, and it is fitted anew on the whole training part.
 * With folds: every candidate predicts every row from the other folds; the best is fitted anew on all rows.
 */
import { calibrated, type Calibration, intervalHalfWidth, seededRandom } from "@streamer/models";
import type { Database } from "../../duckdb/database.ts";
import type { ProcessInput } from "../input.ts";
import { prepare, trainingMatrix, type Prepared } from "../features/prepare.ts";
import type { ModelName } from "../options.ts";
import { TEST, trainingRows } from "../preprocess/clean-table.ts";
import type { InputColumn } from "../preprocess/columns.ts";
import { loadMatrix, type Rows } from "../preprocess/load-matrix.ts";
import { keptFeatures } from "../preprocess/recipe.ts";
import type { Target } from "../preprocess/target.ts";
import { part, type Tell } from "../progress.ts";
import { best, candidateModels, whyChosen, type Tried } from "./candidates.ts";
import { fitSupervised, lossName, lossOf, predict, type Supervised } from "./fit-supervised.ts";
import type { FitOnce } from "./finished-fits.ts";
import type { Fittings } from "./saved-model.ts";

export interface LearnTerms {
  readonly input: ProcessInput;
  readonly inputs: readonly InputColumn[];
  readonly target: Target;
  readonly signal: AbortSignal;
  readonly tell: Tell;
  readonly fitOnce: FitOnce;
}

/** Rows that were predicted by a model that had not seen them. */
export interface HeldOut {
  readonly rows: Int32Array;
  readonly y: Float64Array;
  readonly predicted: Float64Array;
  /** The fold of each row, when there are folds. */
  readonly fold?: Int32Array;
}

export interface Learned {
  readonly name: ModelName;
  readonly model: Supervised;
  readonly why: string;
  readonly tried: readonly Tried[];
  readonly fittings: Fittings;
  readonly calibration?: Calibration | undefined;
  /** Present with folds: predictions of every row. */
  readonly heldOut?: HeldOut;
  /** Part of the training rows that was learned from: less than 1 when there were too many. */
  readonly share: number;
}

/** Of the bar of a fit: what loading its rows takes beside it. */
const LOADING_SHARE = 0.1;

export async function learnSupervised(database: Database, prepared: Prepared, terms: LearnTerms): Promise<Learned> {
  return terms.input.options.folds > 0 ? withFolds(database, prepared, terms) : withTestPart(database, prepared, terms);
}

async function withTestPart(database: Database, prepared: Prepared, terms: LearnTerms): Promise<Learned> {
  const { input, target, tell } = terms;
  const { options } = input;
  const needsChoice = options.model === "auto" || options.calibration;
  let choice: Choice | undefined;
  if (needsChoice) choice = await chooseOn(database, TEST, { ...terms, tell: part(tell, 0, 0.6) });
  const name = choice ? choice.name : (options.model as ModelName);
  const final = await fitOn(database, prepared, {
    ...terms,
    name,
    where: trainingRows(TEST, { validation: "in" }),
    tell: part(tell, needsChoice ? 0.6 : 0, 1),
  });
  const where = choice ? `${choice.heldOut.y.length} rows held out of the training part` : "";
  return {
    ...final,
    ...(choice && options.calibration && confident(final.model, choice.heldOut, terms)),
    name,
    tried: choice?.tried ?? [],
    why: choice ? whyChosen(choice.tried, lossName(target), where) : `${name} was asked for`,
    fittings: choice && options.calibration ? intervalOf(choice.heldOut, terms) : {},
  };
}

interface Choice {
  readonly name: ModelName;
  readonly tried: readonly Tried[];
  readonly heldOut: HeldOut;
}

/** Compares candidates on rows held out of the training part, prepared without a look at them. */
async function chooseOn(database: Database, held: number, terms: LearnTerms): Promise<Choice> {
  const { input, tell } = terms;
  const where = trainingRows(held, { validation: "out" });
  const prepared = await prepare(database, { ...terms, where, options: input.options, tell: part(tell, 0, 0.1) });
  const results = await tryOn(database, prepared, {
    ...terms,
    where,
    heldWhere: trainingRows(held, { validation: "only" }),
    purpose: "choice",
    tell: part(tell, 0.1, 1),
  });
  const chosen = best(results);
  return { name: chosen.model, tried: results.map(({ model, loss }) => ({ model, loss })), heldOut: chosen.heldOut };
}

interface TrialTerms extends LearnTerms {
  /** What the fits are for: it tells those of one model apart. */
  readonly purpose: string;
  readonly where: string;
  readonly heldWhere: string;
  readonly candidates?: readonly ModelName[];
}

async function tryOn(database: Database, prepared: Prepared, terms: TrialTerms): Promise<(Tried & { readonly heldOut: HeldOut })[]> {
  const { input, target, signal, tell, where, heldWhere } = terms;
  const loading = (done: number): void => tell(LOADING_SHARE * done, `Rows loaded: ${Math.round(100 * done)} %`);
  const learned = await trainingMatrix(database, prepared, { target, where, maxCells: input.options.max_training_cells, tell: loading });
  const held = await loadMatrix(database, { recipe: prepared.recipe, binding: prepared.binding, target, where: heldWhere });
  const candidates = terms.candidates ?? candidateModels(input, learned.x.rowCount * learned.x.columns.length);
  const results: (Tried & { readonly heldOut: HeldOut })[] = [];
  for (const [index, name] of candidates.entries()) {
    const telling = part(part(tell, LOADING_SHARE, 1), index / candidates.length, (index + 1) / candidates.length);
    const model = await fitNamed(learned, { ...terms, name, tell: telling });
    const predicted = await predict(model, held.x, { signal });
    const loss = lossOf(target, held.y, predicted);
    telling(1, `${name}: ${lossName(target)} ${loss.toPrecision(4)} on held-out rows`, { candidate: name, loss });
    results.push({ model: name, loss, heldOut: { rows: held.rows, y: held.y, predicted } });
  }
  return results;
}

interface FitTerms extends LearnTerms {
  readonly name: ModelName;
  readonly purpose: string;
}

function fitNamed(rows: Rows, { input, target, signal, tell, name, purpose, fitOnce }: FitTerms): Promise<Supervised> {
  // Each fit has a source of chance of its own: what was tried before it changes nothing.
  const random = seededRandom(input.options.seed);
  const context = { signal, random, tell: (done: number, message: string) => tell(done, `${name}: ${message}`, { model: name }) };
  return fitOnce(`${name}-${purpose}`, () => fitSupervised(rows, { name, options: input.options, target, context }));
}

async function fitOn(
  database: Database,
  prepared: Prepared,
  terms: LearnTerms & { readonly name: ModelName; readonly where: string },
): Promise<{ model: Supervised; share: number }> {
  const { input, target, where } = terms;
  const { tell } = terms;
  const loading = (done: number): void => tell(LOADING_SHARE * done, `Rows loaded: ${Math.round(100 * done)} %`);
  const rows = await trainingMatrix(database, prepared, { target, where, maxCells: input.options.max_training_cells, tell: loading });
  return { model: await fitNamed(rows, { ...terms, purpose: "final", tell: part(tell, LOADING_SHARE, 1) }), share: rows.share };
}

async function withFolds(database: Database, prepared: Prepared, terms: LearnTerms): Promise<Learned> {
  const { input, target, tell } = terms;
  const { folds, calibration } = input.options;
  const cells = keptFeatures(prepared.recipe).length * (await rowCount(database));
  const candidates = candidateModels(input, cells);
  const byFold: (Tried & { readonly heldOut: HeldOut })[][] = [];
  for (let fold = 0; fold < folds; fold += 1) {
    const telling = part(tell, (0.8 * fold) / folds, (0.8 * (fold + 1)) / folds);
    const where = trainingRows(fold, { validation: "in" });
    const own = await prepare(database, { ...terms, where, options: input.options, tell: part(telling, 0, 0.2) });
    const heldWhere = `part = ${fold}`;
    const tellTrial = part(telling, 0.2, 1);
    byFold.push(await tryOn(database, own, { ...terms, where, heldWhere, candidates, purpose: `fold-${fold}`, tell: tellTrial }));
    telling(1, `Fold ${fold + 1} of ${folds} measured`, { fold: fold + 1 });
  }
  const tried = candidates.map((model, index) => ({ model, loss: mean(byFold.map((results) => results[index]!.loss)) }));
  const chosen = best(tried);
  const heldOut = joined(byFold.map((results) => results[candidates.indexOf(chosen.model)]!.heldOut));
  const final = await fitOn(database, prepared, {
    ...terms,
    name: chosen.model,
    where: trainingRows(undefined, { validation: "in" }),
    tell: part(tell, 0.8, 1),
  });
  return {
    ...final,
    ...(calibration && confident(final.model, heldOut, terms)),
    name: chosen.model,
    tried,
    why: whyChosen(tried, lossName(target), `${folds} folds (mean)`),
    fittings: calibration ? intervalOf(heldOut, terms) : {},
    heldOut,
  };
}

async function rowCount(database: Database): Promise<number> {
  const [row] = await database.rows<{ rows: number }>("SELECT count(*)::DOUBLE AS rows FROM clean WHERE part >= 0");
  return row?.rows ?? 0;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function joined(parts: readonly HeldOut[]): HeldOut {
  const concat = (pick: (part: HeldOut) => Float64Array): Float64Array => Float64Array.from(parts.flatMap((one) => Array.from(pick(one))));
  return {
    rows: Int32Array.from(parts.flatMap(({ rows }) => Array.from(rows))),
    y: concat(({ y }) => y),
    predicted: concat(({ predicted }) => predicted),
    fold: Int32Array.from(parts.flatMap(({ rows }, fold) => Array.from(rows, () => fold))),
  };
}

/** The model with its confidences fitted to the held-out rows; as it is where these are too few, or it gives none. */
function confident(
  model: Supervised,
  { y, predicted }: HeldOut,
  { target }: LearnTerms,
): { model?: Supervised; calibration?: Calibration } {
  if (model.kind === "regressor" || target.kind === "number") return {};
  return calibrated(model, { codes: Int32Array.from(y), probabilities: predicted }) ?? {};
}

function intervalOf({ y, predicted }: HeldOut, { target, input }: LearnTerms): Fittings {
  return target.kind === "number" ? { halfWidth: intervalHalfWidth(y, predicted, input.options.interval_level) } : {};
}
