/** Streamer in a CDK app of one's own. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Outside } from "./published.ts";

const STRANGERS = join(import.meta.dirname, "../strangers");
const [handlers, app] = ["cdk-handlers.ts", "cdk-app.js.txt"].map((name) => readFileSync(join(STRANGERS, name), "utf8"));

export function describeCdk(outside: () => Outside): void {
  it("a CDK app of their own has Streamer as a stack, with handlers from their folder", () => {
    using stranger = outside().stranger();
    stranger.install("@streamer/aws", "@streamer/core", "zod", "aws-cdk-lib@2.276.0", "constructs@10.8.1", "aws-cdk@2.1148.1");
    stranger.write({
      "handlers.ts": handlers!,
      "app.js": app!,
      "cdk.json": JSON.stringify({ app: "node app.js", versionReporting: false }),
    });
    stranger.runWell("npx", ["cdk", "synth", "--quiet"]);
    const assembly = join(stranger.folder, "cdk.out");
    const template = JSON.parse(readFileSync(join(assembly, "Jobs.template.json"), "utf8")) as Template;
    const types = Object.values(template.Resources).map(({ Type: type }) => type);
    expect(types).toEqual(
      expect.arrayContaining(["AWS::ApiGatewayV2::Api", "AWS::Lambda::Function", "AWS::DynamoDB::Table", "AWS::S3::Bucket"]),
    );
    const bundles = readdirSync(assembly, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".mjs"));
    const texts = bundles.map((path) => readFileSync(join(assembly, path), "utf8"));
    expect(texts.filter((text) => text.includes("count_words")).length).toBeGreaterThan(1);
  });
}

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string }>>;
}
