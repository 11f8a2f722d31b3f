/**
 * Learns to predict a target, in two ways. With a test part: candidates are compared on rows held out of the training
 * part, the chosen one's confidences are fitted to those same rows, and it is fitted anew on the whole training part.
 * With folds: every candidate predicts every row from the other folds; the best is fitted anew on all rows.
 */
import { type Calibration, seededRandom } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { Warning } from "../../warnings.ts";
import type { Database } from "../../duckdb/database.ts";
import type { ProcessInput } from "../input.ts";
import { prepare, trainingMatrix, type Prepared } from "../features/prepare.ts";
import type { ModelName } from "../options.ts";
import { TEST, trainingRows } from "../preprocess/clean-table.ts";
import type { InputColumn } from "../preprocess/columns.ts";
import { loadMatrix, type Rows } from "../preprocess/load-matrix.ts";
import { keptFeatures } from "../preprocess/recipe.ts";
import type { Target } from "../preprocess/target.ts";
import { fitCost, supervisedCost } from "../costs.ts";
import { part, partsByCost, type Tell } from "../progress.ts";
import { best, candidateModels, whyChosen, type Tried } from "./candidates.ts";
import { positiveCode, refuseDecision } from "./decisions.ts";
import { fitSupervised, predict, type Supervised } from "./fit-supervised.ts";
import type { FitOnce } from "./finished-fits.ts";
import { leakWarnings } from "./leaks.ts";
import { lossFor, type Loss } from "./measures.ts";
import { permutationImportances, type Permutation } from "./permutation.ts";
import type { Fittings } from "./saved-model.ts";
import { joinedNumbers } from "./joined-numbers.ts";
import { crossFitted, trusted, type HeldOut } from "./trust.ts";

export interface LearnTerms {
  readonly input: ProcessInput;
  readonly inputs: readonly InputColumn[];
  readonly target: Target;
  readonly signal: AbortSignal;
  readonly tell: Tell;
  readonly fitOnce: FitOnce;
}

export interface Learned {
  readonly name: ModelName;
  readonly model: Supervised;
  readonly why: string;
  readonly tried: readonly Tried[];
  readonly fittings: Fittings;
  readonly calibration?: Calibration | undefined;
  /** What a threshold gives on the rows it was chosen on. */
  readonly chosen?: JsonObject | undefined;
  /** Present with folds: predictions of every row. */
  readonly heldOut?: HeldOut;
  readonly warnings: readonly Warning[];
  /** What each column is worth on held-out rows. */
  readonly permutation?: Permutation | undefined;
  /** Part of the training rows that was learned from: less than 1 when there were too many. */
  readonly share: number;
}

/** Of the bar of a fit: what loading its rows takes beside it. */
const LOADING_SHARE = 0.1;

export async function learnSupervised(database: Database, prepared: Prepared, terms: LearnTerms): Promise<Learned> {
  refuseDecision(terms.target, terms.input.options);
  return terms.input.options.folds > 0 ? withFolds(database, prepared, terms) : withTestPart(database, prepared, terms);
}

async function withTestPart(database: Database, prepared: Prepared, terms: LearnTerms): Promise<Learned> {
  const { input, tell } = terms;
  const { options } = input;
  const needsChoice = options.model === "auto" || options.calibration || options.decide_by !== "auto";
  let choice: Choice | undefined;
  const costs = supervisedCost(input, await sizeOf(database, prepared));
  const [choosing, fitting, weighing] = partsByCost(tell, [needsChoice ? costs.choice : 0, costs.final, costs.worth]) as [Tell, Tell, Tell];
  if (needsChoice) choice = await chooseOn(database, TEST, { ...terms, tell: choosing });
  const name = choice ? choice.name : (options.model as ModelName);
  const { counts, share, leaks, ...final } = await fitOn(database, prepared, {
    ...terms,
    name,
    where: trainingRows(TEST, { validation: "in" }),
    tell: fitting,
  });
  const where = choice ? `${choice.heldOut.y.length} rows held out of the training part` : "";
  const trust = trusted(final.model, choice?.heldOut, { target: terms.target, options, counts });
  const tested = await testRows(database, prepared, terms);
  return {
    ...trust,
    warnings: [...leaks, ...trust.warnings],
    permutation: await worthOf(trust.model, tested, { ...terms, prepared, counts, tell: weighing }),
    share,
    name,
    tried: choice?.tried ?? [],
    why: choice ? whyChosen(choice.tried, choice.lossName, where) : `${name} was asked for`,
  };
}

/** Some of the test rows: enough to see what columns are worth. */
const WORTH_ROWS = 5_000;

async function testRows(database: Database, { recipe, binding }: Prepared, { target }: LearnTerms): Promise<Rows> {
  const [{ rows } = { rows: 0 }] = await database.rows<{ rows: number }>(`SELECT count(*)::DOUBLE AS rows FROM clean WHERE part = ${TEST}`);
  const share = WORTH_ROWS / Math.max(1, rows);
  const sampled = share < 1 ? ` AND hash(h, 'worth') % 1000000 < ${Math.floor(share * 1_000_000)}` : "";
  return loadMatrix(database, { recipe, binding, target, where: `part = ${TEST}${sampled}` });
}

function worthOf(
  model: Supervised,
  held: Pick<Rows, "x" | "y">,
  {
    input,
    target,
    signal,
    tell,
    prepared,
    counts,
  }: LearnTerms & { readonly prepared: Pick<Prepared, "recipe">; readonly counts: readonly number[] },
): Promise<Permutation> {
  const { options } = input;
  const loss = lossFor(target, options, positiveCode(target, options, counts));
  return permutationImportances(model, held, { recipe: prepared.recipe, loss, seed: options.seed, signal, tell });
}

interface Choice {
  readonly name: ModelName;
  readonly tried: readonly Tried[];
  readonly lossName: string;
  readonly heldOut: HeldOut;
}

/** Compares candidates on rows held out of the training part, prepared without a look at them. */
async function chooseOn(database: Database, held: number, terms: LearnTerms): Promise<Choice> {
  const { input, tell } = terms;
  const where = trainingRows(held, { validation: "out" });
  const prepared = await prepare(database, { ...terms, where, options: input.options, tell: part(tell, 0, 0.1) });
  const trials = await tryOn(database, prepared, {
    ...terms,
    where,
    heldWhere: trainingRows(held, { validation: "only" }),
    purpose: "choice",
    tell: part(tell, 0.1, 1),
  });
  const chosen = best(trials.results);
  return {
    name: chosen.model,
    tried: trials.results.map(({ model, loss }) => ({ model, loss })),
    heldOut: chosen.heldOut,
    lossName: trials.loss.name,
  };
}

interface TrialTerms extends LearnTerms {
  /** What the fits are for: it tells those of one model apart. */
  readonly purpose: string;
  readonly where: string;
  readonly heldWhere: string;
  readonly candidates?: readonly ModelName[];
}

type Trial = Tried & { readonly heldOut: HeldOut; readonly fitted: Supervised };

async function tryOn(
  database: Database,
  prepared: Prepared,
  terms: TrialTerms,
): Promise<{ readonly results: readonly Trial[]; readonly loss: Loss; readonly held: Rows }> {
  const { input, target, signal, tell, where, heldWhere } = terms;
  const loading = (done: number): void => tell(LOADING_SHARE * done, `Rows loaded: ${Math.round(100 * done)} %`);
  const learned = await trainingMatrix(database, prepared, { target, where, maxCells: input.options.max_training_cells, tell: loading });
  const held = await loadMatrix(database, { recipe: prepared.recipe, binding: prepared.binding, target, where: heldWhere });
  const candidates = terms.candidates ?? candidateModels(input, learned.x.rowCount * learned.x.columns.length);
  const lossMeasure = lossFor(target, input.options, positiveCode(target, input.options, countsOf(target, learned.y)));
  const results: Trial[] = [];
  const size = { rows: learned.x.rowCount, columns: learned.x.columns.length };
  const costs = candidates.map((name) => fitCost(name, size, input));
  const tellings = partsByCost(part(tell, LOADING_SHARE, 1), costs);
  for (const [index, name] of candidates.entries()) {
    const telling = tellings[index]!;
    const model = await fitNamed(learned, { ...terms, name, tell: telling });
    const predicted = await predict(model, held.x, { signal });
    const loss = lossMeasure.of(held.y, predicted);
    telling(1, `${name}: ${lossMeasure.name} ${loss.toPrecision(4)} on held-out rows`, { candidate: name, loss });
    results.push({ model: name, loss, fitted: model, heldOut: { rows: held.rows, y: held.y, predicted } });
  }
  return { results, loss: lossMeasure, held };
}

/** Rows by class; none for a number. */
function countsOf({ classes }: Target, y: Float64Array): number[] {
  const counts = classes.map(() => 0);
  for (const code of y) if (counts[code] !== undefined) counts[code] += 1;
  return counts;
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
): Promise<{ model: Supervised; share: number; counts: readonly number[]; leaks: readonly Warning[] }> {
  const { input, target, where } = terms;
  const { tell } = terms;
  const loading = (done: number): void => tell(LOADING_SHARE * done, `Rows loaded: ${Math.round(100 * done)} %`);
  const rows = await trainingMatrix(database, prepared, { target, where, maxCells: input.options.max_training_cells, tell: loading });
  const model = await fitNamed(rows, { ...terms, purpose: "final", tell: part(tell, LOADING_SHARE, 1) });
  const leaks = leakWarnings(rows, { recipe: prepared.recipe, target, seed: input.options.seed });
  return { model, share: rows.share, counts: countsOf(target, rows.y), leaks };
}

async function withFolds(database: Database, prepared: Prepared, terms: LearnTerms): Promise<Learned> {
  const { input, target, tell } = terms;
  const { options } = input;
  const { folds } = options;
  const size = await sizeOf(database, prepared);
  const candidates = candidateModels(input, size.rows * size.columns);
  const costs = supervisedCost(input, size);
  const [choosing, fitting, weighing] = partsByCost(tell, [costs.choice, costs.final, costs.worth]) as [Tell, Tell, Tell];
  // Without their models, but for the last: the forests of all folds are more than a process may hold.
  const byFold: (readonly Omit<Trial, "fitted">[])[] = [];
  let lossName = "";
  let last: { readonly held: Rows; readonly own: Prepared; readonly results: readonly Trial[] } | undefined;
  for (let fold = 0; fold < folds; fold += 1) {
    const telling = part(choosing, fold / folds, (fold + 1) / folds);
    const where = trainingRows(fold, { validation: "in" });
    const own = await prepare(database, { ...terms, where, options: input.options, tell: part(telling, 0, 0.2) });
    const heldWhere = `part = ${fold}`;
    const tellTrial = part(telling, 0.2, 1);
    const { results, loss, held } = await tryOn(database, own, {
      ...terms,
      where,
      heldWhere,
      candidates,
      purpose: `fold-${fold}`,
      tell: tellTrial,
    });
    byFold.push(results.map(({ model, loss: measured, heldOut }) => ({ model, loss: measured, heldOut })));
    last = { held, own, results };
    lossName = loss.name;
    telling(1, `Fold ${fold + 1} of ${folds} measured`, { fold: fold + 1 });
  }
  const tried = candidates.map((model, index) => ({ model, loss: mean(byFold.map((results) => results[index]!.loss)) }));
  const chosen = best(tried);
  const heldOut = joined(byFold.map((results) => results[candidates.indexOf(chosen.model)]!.heldOut));
  const { counts, share, leaks, ...final } = await fitOn(database, prepared, {
    ...terms,
    name: chosen.model,
    where: trainingRows(undefined, { validation: "in" }),
    tell: fitting,
  });
  const trustTerms = { target, options, counts };
  const trust = trusted(final.model, heldOut, trustTerms);
  // Every row is learned from in the end: what columns are worth is seen on the last fold, by its own model.
  const { fitted } = last!.results[candidates.indexOf(chosen.model)]!;
  return {
    ...trust,
    warnings: [...leaks, ...trust.warnings],
    permutation: await worthOf(fitted, last!.held, { ...terms, prepared: last!.own, counts, tell: weighing }),
    share,
    name: chosen.model,
    tried,
    why: whyChosen(tried, lossName, `${folds} folds (mean)`),
    heldOut: crossFitted(heldOut, trust, trustTerms),
  };
}

async function sizeOf(database: Database, { recipe }: Prepared): Promise<{ readonly rows: number; readonly columns: number }> {
  const [row] = await database.rows<{ rows: number }>("SELECT count(*)::DOUBLE AS rows FROM clean WHERE part >= 0");
  return { rows: row?.rows ?? 0, columns: keptFeatures(recipe).length };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function joined(parts: readonly HeldOut[]): HeldOut & Required<Pick<HeldOut, "fold">> {
  return {
    rows: joinedNumbers(parts.map(({ rows }) => rows)),
    y: joinedNumbers(parts.map(({ y }) => y)),
    predicted: joinedNumbers(parts.map(({ predicted }) => predicted)),
    fold: joinedNumbers(parts.map(({ rows }, fold) => new Int32Array(rows.length).fill(fold))),
  };
}
