/** The report of a model: warnings first, then its figures, what it makes of the rows, and what was done to the columns. */
import type { JsonObject } from "@streamer/protocol";
import type { Database } from "../../../duckdb/database.ts";
import type { HeldOut } from "../../learning/trust.ts";
import type { Run } from "../../run.ts";
import type { Finished } from "../../stages/postprocess.ts";
import type { ClusterProfile } from "../cluster-profiles.ts";
import { importances, permutationTerms } from "../importances.ts";
import { runWarnings } from "../run-warnings.ts";
import { columnTable } from "./columns.ts";
import { figure } from "./drawing.ts";
import { anomalyFigures, anomalyTable, clusterFigures, componentFigures, outputFigure, planeFigure, profileTable } from "./grouped.ts";
import { importanceFigures, learningCurve, measuredFigures } from "./measured.ts";
import { pageHtml } from "./page.ts";
import type { Section } from "./sections.ts";

export interface ReportTerms extends Finished {
  readonly metrics: JsonObject;
  /** The rows the metrics are of, with what was decided of them. */
  readonly measured: HeldOut | undefined;
}

const MOST_FACTS = 24;

export async function modelReport(database: Database, run: Run, terms: ReportTerms): Promise<string> {
  const { trained, metrics, ingested, preprocessed, prepared } = terms;
  const { saved } = trained;
  const { options } = run.input;
  const dropped = [...new Map([...preprocessed.columns.dropped, ...prepared.recipe.dropped].map((one) => [one.column, one])).values()];
  const about = saved.target ? ` of "${saved.target.column}"` : "";
  return pageHtml({
    title: `${saved.pipeline}${about} by ${saved.name}`,
    summary: `${ingested.rows.toLocaleString("en-US")} rows. ${trained.why}. Model ${options.model_id ?? run.ctx.request.id}, trained ${saved.trainedAt}.`,
    warnings: runWarnings(terms),
    facts: factsOf(metrics),
    sections: [
      { title: "How good it is", figures: measuredSection(terms), tables: [] },
      await rowsSection(database, run, terms),
      {
        title: "What it learned",
        figures: [
          ...importanceFigures(importances(trained.model, prepared.recipe, trained.permutation), permutationTerms(trained.permutation)),
          ...learningCurve(trained.model),
        ],
        tables: [],
      },
      { title: "Columns", figures: [], tables: [columnTable(prepared.recipe, dropped)] },
    ],
  });
}

function measuredSection({ preprocessed, trained, measured, metrics }: ReportTerms): Section["figures"] {
  const { target } = preprocessed;
  if (!measured || !target) return [];
  return measuredFigures({ target, held: measured, positive: trained.saved.fittings.positive, metrics });
}

async function rowsSection(database: Database, { ctx }: Run, { trained, prepared, metrics }: ReportTerms): Promise<Section> {
  const { model, saved } = trained;
  const view = { recipe: prepared.recipe, binding: prepared.binding, signal: ctx.signal };
  if (model?.kind === "clustering") {
    const plane = await planeFigure(database, { ...view, groupSql: "cluster", names: (group) => `cluster ${group}` });
    return {
      title: "Clusters",
      figures: [...clusterFigures(metrics), ...plane],
      tables: profileTable((metrics["profiles"] ?? []) as unknown as readonly ClusterProfile[]),
    };
  }
  if (model?.kind === "anomaly") {
    const threshold = saved.fittings.threshold ?? Infinity;
    const groupSql = `score >= ${threshold}`;
    const plane = await planeFigure(database, {
      ...view,
      groupSql: `(${groupSql})::INTEGER`,
      names: (group) => (group === 1 ? "flagged" : "usual"),
      lookedFor: 1,
    });
    return {
      title: "Unusual rows",
      figures: [...(await anomalyFigures(database, threshold, metrics)), ...plane],
      tables: await anomalyTable(database),
    };
  }
  if (model?.kind === "projection") {
    return {
      title: "Components",
      figures: [...componentFigures(metrics), ...(await outputFigure(database, model.componentCount))],
      tables: [],
    };
  }
  return { title: "Rows", figures: [], tables: [] };
}

/** Numbers at the top of the metrics, as the result has them. */
function factsOf(metrics: JsonObject): (readonly [string, string])[] {
  return Object.entries(metrics)
    .flatMap(([name, value]) => {
      const spoken = name.replaceAll("_", " ");
      if (typeof value === "number") return [[spoken, figure(value)] as const];
      return typeof value === "string" ? [[spoken, value] as const] : [];
    })
    .slice(0, MOST_FACTS);
}
