/** Instead of stages 2 to 4: an earlier model of the same user takes the new rows through its own recipe. */
import { restoreModel } from "@streamer/models";
import type { Database } from "../../duckdb/database.ts";
import { openSaved } from "../learning/saved-model.ts";
import { bind } from "../preprocess/binding.ts";
import { createCleanTable } from "../preprocess/clean-table.ts";
import { asWritten, holdToModel } from "../preprocess/hold-to-model.ts";
import { driftOf } from "../preprocess/profile.ts";
import { isReadable, valueSql } from "../preprocess/reading.ts";
import type { Target } from "../preprocess/target.ts";
import { writingRules } from "../input.ts";
import { invalid, listed } from "../problem.ts";
import { count } from "../progress.ts";
import type { Run } from "../run.ts";
import type { Ingested } from "./ingest.ts";
import type { Trained } from "./model.ts";
import type { Preprocessed } from "./preprocess.ts";
import type { Prepared } from "../features/prepare.ts";

export interface ReadyToScore {
  readonly preprocessed: Omit<Preprocessed, "fitted">;
  readonly prepared: Prepared;
  readonly trained: Trained;
}

export async function scoreWithModel(database: Database, run: Run, ingested: Ingested): Promise<ReadyToScore> {
  const { input, ctx, progress } = run;
  const modelId = input.options.model_id!;
  progress.stage("preprocess")(0, `Looking for the model of ${modelId}`);
  const saved = await openSaved(ctx.blobs, modelId, input.pipeline);
  const { recipe } = saved;
  const { columns } = ingested;
  const rules = writingRules(input);
  const held = await holdToModel(database, { input, columns, recipe, readings: saved.readings, rules });
  const names = columns.map(({ name }) => name);
  const unknownIds = (input.id_columns ?? []).filter((name) => !names.includes(name));
  if (unknownIds.length > 0) throw invalid("id_columns", `the data has no column ${listed(unknownIds)}; it has ${listed(names)}`);
  // New data may hold the answers too: then the metrics say how well the model still does.
  const label = columns.find((column) => column.name === saved.target?.column && isReadable(column));
  const target: Target | undefined =
    saved.target && label ? { ...saved.target, sql: valueSql(label, asWritten(saved.target.reading, rules)) } : undefined;
  const clean = await createCleanTable(database, { input, inputs: held.inputs, target, scoring: true });
  const drift = await driftOf(database, { columns: held.inputs, where: "true" }, saved.profile);
  progress.stage("features")(1, `${count(clean.rows)} rows to score by the model of ${modelId}`, { rows: clean.rows });
  const binding = await bind(database, recipe, held.inputs);
  const model = saved.model && restoreModel(saved.model);
  progress.stage("model")(1, `${saved.name}, trained ${saved.trainedAt}`, { model: saved.name });
  return {
    preprocessed: {
      columns: { inputs: held.inputs, dropped: recipe.dropped, unreadable: held.unreadable, nullTexts: {}, numbersInTexts: [] },
      held: { unseen: held.unseen, drift },
      target,
      clean,
    },
    prepared: { recipe, selection: undefined, derived: [], binding, ownBinding: binding },
    trained: { saved, model, why: `trained by request ${modelId}`, tried: [], metrics: {}, share: 1, warnings: [] },
  };
}
