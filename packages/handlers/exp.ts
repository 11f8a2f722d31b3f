import { mkdtempSync, cpSync, readdirSync, readFileSync } from "node:fs";
import { createProcessData } from "./src/process-data/index.ts";
import { startRun } from "./test/run-handler.ts";
const data = "/work/shared/data";
const h = createProcessData({ dataFolder: data, channelsFolder: "/tmp/exp/ch" });
async function go(name, input, show = false) {
  const t = performance.now();
  const run = await startRun(h, input);
  try { const r = await run.result; console.log(name, Math.round(performance.now()-t), "updates", run.reports.length, JSON.stringify({...r, preview: r.preview.slice(0,2)}, undefined, show?1:undefined).slice(0, show?6000:2200)); return [r, run];}
  catch (e) { console.log(name, "FAILED", e.message, e.stack?.split("\n").slice(0,8).join("\n"), e.cause?.message); }
}
const which = process.argv.slice(2);
const cases = {
 penguins: { pipeline: "classification", target: "species", data_source: {type:"file", path:"penguins/penguins.csv"}},
 adult: { pipeline: "classification", target: "income", data_source: {type:"file", path:"adult-income/adult_train.csv.gz"}, output:{format:"parquet"}},
 wine: { pipeline: "regression", target: "quality", data_source: {type:"file", path:"wine-quality/wine_quality.ndjson.gz"}, output:{format:"csv"}, options:{feature_selection:"mutual_information", max_features: 8, derived_features:["products"]}},
 diamonds: { pipeline: "regression", target: "price", data_source: {type:"file", path:"diamonds/diamonds.csv.gz"}, output:{format:"csv"}},
 clusters: { pipeline: "clustering", target: "species", features:["bill_length_mm","bill_depth_mm","flipper_length_mm","body_mass_g"], data_source: {type:"file", path:"penguins/penguins.csv"}},
 anomaly: { pipeline: "anomaly", target: "is_outlier", data_source: {type:"file", path:"annthyroid/annthyroid.csv.gz"}},
 transform: { pipeline: "transformation", id_columns:["species"], data_source: {type:"query", query:"SELECT * FROM \"penguins/penguins\" WHERE sex IS NOT NULL"}},
 folds: { pipeline: "classification", target: "species", data_source: {type:"file", path:"penguins/penguins.csv"}, options:{folds:5}},
};
for (const [k,v] of Object.entries(cases)) if (!which.length || which.includes(k)) await go(k, v);
