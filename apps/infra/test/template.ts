/** The stack as a template, without bundling: each function's code is one line. Validated as `npm run synth` does. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Template } from "aws-cdk-lib/assertions";
import { readConfiguration } from "../src/configuration.ts";
import { addStack, createApp } from "../src/create-app.ts";

export const AUTH = { jwksUrl: "https://id.example.com/jwks.json", issuer: "https://id.example.com/", audience: "streamer" } as const;

interface CdkManifest {
  readonly context: Readonly<Record<string, unknown>>;
}
const { context } = JSON.parse(readFileSync(new URL("../cdk.json", import.meta.url), "utf8")) as CdkManifest;

/** The template, checked by cdk-nag; `validated` adds CDK's own check of templates, which takes some seconds. Throws on a finding. */
export function synthesise(
  given: Readonly<Record<string, unknown>> = AUTH,
  { validated = false, region }: { readonly validated?: boolean; readonly region?: string } = {},
): Template {
  const folder = mkdtempSync(join(tmpdir(), "streamer-infra-"));
  const code = join(folder, "code");
  mkdirSync(code);
  writeFileSync(join(code, "index.mjs"), "export const handler = () => {};\n");
  const app = createApp({ outdir: join(folder, "cdk.out"), context: { ...context }, builtinCloudFormationValidation: validated });
  const stack = addStack(app, { configuration: readConfiguration((name) => given[name]), codeFolder: () => code, region });
  return Template.fromJSON(app.synth().getStackByName(stack.stackName).template as Record<string, unknown>);
}

/** What changes with every change of code is left out: hashes of assets, and of versions in the names that carry them. */
export function normalised(template: Template): string {
  return `${JSON.stringify(template.toJSON(), null, 2)
    .replaceAll(/[0-9a-f]{64}/g, "ASSET")
    .replaceAll(/(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}/g, "$1VERSION")}\n`;
}

/** Properties of a function, by its name in functions.ts. */
export function functionIn(template: Template, name: string): Record<string, unknown> {
  const all = Object.entries(
    template.findResources("AWS::Lambda::Function") as Record<string, { readonly Properties: Record<string, unknown> }>,
  );
  const [, found] = all.find(([id]) => new RegExp(`^${name}Function[0-9A-F]{8}$`).test(id)) ?? [];
  if (found === undefined) throw new Error(`The template has no function ${name}.`);
  return found.Properties;
}

export const environmentIn = (template: Template, name: string): Record<string, unknown> =>
  (functionIn(template, name)["Environment"] as { readonly Variables: Record<string, unknown> }).Variables;
