/** The report of a model: one well-formed page that asks nothing of anybody, with every plot, and the metrics' figures in it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@streamer/protocol";
import { SaxesParser } from "saxes";
import { describe, expect, it } from "vitest";
import { payments } from "./fraud.ts";
import { dataFolder, flowers, handlerOn, processed } from "./runs.ts";

interface Report {
  readonly html: string;
  readonly metrics: JsonObject;
  /** Title by the id of its figure. */
  readonly titles: Readonly<Record<string, string>>;
}

async function reportOf(csv: string, input: Readonly<Record<string, unknown>>): Promise<Report> {
  const handler = await handlerOn(await dataFolder({ "rows.csv": csv }));
  const { result, run } = await processed(handler, { data_source: { type: "file", path: "rows.csv" }, ...input });
  expect(result.model["report_url"]).toMatch(/model-report\.html$/);
  const html = await readFile(join(run.blobsFolder, "model-report.html"), "utf8");
  const titles = Object.fromEntries([...html.matchAll(/<figure id="([^"]+)"><figcaption>([^<]*)</g)].map(([, id, title]) => [id!, title!]));
  return { html, metrics: result.metrics, titles };
}

const figure = (value: unknown): string => new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4 }).format(value as number);

/** Throws where the page is no XML. Answers every tag, and all attributes. */
function parsed(html: string): { readonly tags: ReadonlySet<string>; readonly attributes: readonly (readonly [string, string])[] } {
  const tags = new Set<string>();
  const attributes: (readonly [string, string])[] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes: own }) => {
    tags.add(name);
    attributes.push(...Object.entries(own as Record<string, string>));
  });
  parser.write(html).close();
  return { tags, attributes };
}

function expectSelfContained(html: string): void {
  const { tags, attributes } = parsed(html);
  for (const tag of ["script", "img", "link", "iframe", "object", "embed", "image", "use", "a", "base", "form", "foreignObject"])
    expect(tags, tag).not.toContain(tag);
  const names = new Set(attributes.map(([name]) => name));
  for (const name of ["style", "src", "href", "xlink:href", "srcset"]) expect(names, name).not.toContain(name);
  expect([...names].filter((name) => name.startsWith("on"))).toEqual([]);
  const outside = attributes.filter(([, value]) => value.includes("url(") && !/^url\(#[\w-]+\)$/.test(value));
  expect(outside).toEqual([]);
  expect(html).toContain("default-src &#39;none&#39;".replaceAll("&#39;", "'"));
  expect(html.length).toBeLessThan(1_000_000);
}

const classify = { pipeline: "classification", target: "kind", id_columns: ["id"] };

describe("the report", () => {
  it("of a classification with a threshold", async () => {
    const { html, titles, metrics } = await reportOf(payments(6_000, 4), {
      ...classify,
      options: { model: "boosting", decide_by: { measure: "f1" } },
    });
    expectSelfContained(html);
    expect(Object.keys(titles)).toEqual(["roc", "precision-recall", "calibration", "confusion", "importances", "gains", "learning-curve"]);
    expect(titles["roc"]).toBe(`ROC: area ${figure(metrics["roc_auc"])}`);
    expect(titles["precision-recall"]).toBe(`Precision and recall: average precision ${figure(metrics["pr_auc"])}`);
    expect(titles["confusion"]).toContain(figure(metrics["accuracy"]));
    const { counts } = metrics["confusion"] as unknown as { counts: number[][] };
    for (const count of counts.flat()) expect(html).toContain(`>${count.toLocaleString("en-US")}</text>`);
    expect(html.indexOf("What to know before trusting this")).toBeLessThan(html.indexOf("<figure"));
  });

  it("of a regression", async () => {
    const { html, titles, metrics } = await reportOf(flowers(2_000), {
      pipeline: "regression",
      target: "size",
      id_columns: ["id"],
      options: { model: "boosting" },
    });
    expectSelfContained(html);
    expect(Object.keys(titles)).toEqual(["predicted", "residuals", "coverage", "importances", "gains", "learning-curve"]);
    expect(titles["predicted"]).toBe(`Predicted and true: R² ${figure(metrics["r2"])}, RMSE ${figure(metrics["rmse"])}`);
    const { by_prediction } = metrics["interval"] as unknown as { by_prediction: { share_inside: number }[] };
    for (const { share_inside } of by_prediction) expect(html).toContain(`>${figure(100 * share_inside)} %</text>`);
  });

  it("of clusters, anomalies and components", async () => {
    const clusters = await reportOf(flowers(2_000), {
      pipeline: "clustering",
      id_columns: ["id"],
      options: { clusters: 3, model: "kmeans" },
    });
    expectSelfContained(clusters.html);
    expect(Object.keys(clusters.titles)).toEqual(["sizes", "plane"]);
    for (const size of clusters.metrics["sizes"] as number[]) expect(clusters.html).toContain(`>${size.toLocaleString("en-US")}</text>`);
    expect(clusters.html).toContain("1,500 of 2,000 rows are drawn");
    const anomalies = await reportOf(flowers(500), { pipeline: "anomaly", id_columns: ["id"] });
    expectSelfContained(anomalies.html);
    expect(anomalies.titles["scores"]).toBe(
      `Scores: ${figure(anomalies.metrics["flagged"])} rows flagged, threshold ${figure(anomalies.metrics["threshold"])}`,
    );
    expect(anomalies.html).toContain('<h3 id="anomalies">');
    const components = await reportOf(flowers(500), { pipeline: "transformation", id_columns: ["id"], options: { model: "pca" } });
    expectSelfContained(components.html);
    expect(Object.keys(components.titles)).toEqual(["variance", "loadings-pc1", "loadings-pc2", "plane"]);
  });

  it("shows hostile names of columns and classes as texts, and nothing else", async () => {
    const csv = flowers(600)
      .replace("width", `"<script>alert(1)</script>"`)
      .replace("height", `"""' onload='x' {a|b} \u0001\u202e&amp;"`)
      .replaceAll("rose", `"</figure><img src=x onerror=alert(1)>"`);
    for (const pipeline of ["classification", "clustering", "anomaly"]) {
      const { html } = await reportOf(csv, { pipeline, target: "kind", id_columns: ["id"] });
      expectSelfContained(html);
      expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
      expect(html.includes("\u0001") || html.includes("\u202e")).toBe(false);
    }
  });
});
