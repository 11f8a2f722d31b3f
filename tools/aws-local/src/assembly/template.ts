/**
 * Reads what `cdk synth` wrote: the manifest, the template of its stack, and where the assets lie. Nothing is guessed:
 * an assembly that is not understood is refused with the reason.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export interface Resource {
  readonly Type: string;
  readonly Properties?: JsonObject;
  readonly Condition?: string;
}
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: Json }>>;
  readonly Conditions?: Readonly<Record<string, Json>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Json>>>>>>;
}

export interface Assembly {
  readonly stackName: string;
  readonly template: Template;
  /** Undefined where the stack is not bound to an account or region. */
  readonly account: string | undefined;
  readonly region: string | undefined;
  /** Folder or file of an asset, by the object key it would be uploaded under. */
  asset(objectKey: string): string | undefined;
}

interface Manifest {
  readonly artifacts?: Readonly<
    Record<
      string,
      {
        readonly type: string;
        readonly environment?: string;
        readonly properties?: { readonly templateFile?: string; readonly stackName?: string; readonly directoryName?: string };
      }
    >
  >;
}
interface AssetManifest {
  readonly files?: Readonly<
    Record<
      string,
      { readonly source?: { readonly path?: string }; readonly destinations?: Readonly<Record<string, { readonly objectKey?: string }>> }
    >
  >;
}

/** `stackName` is needed when the assembly has several stacks with an API. */
export function readAssembly(folder: string, stackName?: string): Assembly {
  const assets = new Map<string, string>();
  const found = stacksIn(resolve(folder), assets);
  const candidates = found.filter((stack) =>
    stackName === undefined
      ? Object.values(stack.template.Resources).some(({ Type }) => Type === "AWS::ApiGatewayV2::Api")
      : stack.stackName === stackName,
  );
  const [chosen] = candidates;
  if (chosen === undefined || candidates.length > 1) {
    const names = found.map((stack) => stack.stackName).join(", ");
    throw new Error(
      `${folder} holds ${candidates.length} stacks ${stackName === undefined ? "with a WebSocket API" : `named ${stackName}`} (stacks: ${names}); name one.`,
    );
  }
  return { ...chosen, asset: (objectKey) => assets.get(objectKey) };
}

function stacksIn(folder: string, assets: Map<string, string>): Omit<Assembly, "asset">[] {
  const manifestFile = join(folder, "manifest.json");
  if (!existsSync(manifestFile)) throw new Error(`${folder} is no CDK assembly: it has no manifest.json. Make one with: npm run synth`);
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".assets.json"))) collectAssets(folder, file, assets);
  const stacks: Omit<Assembly, "asset">[] = [];
  for (const [id, { type, environment, properties }] of Object.entries((readJson(manifestFile) as Manifest).artifacts ?? {})) {
    if (type === "cdk:cloud-assembly" && properties?.directoryName)
      stacks.push(...stacksIn(join(folder, properties.directoryName), assets));
    if (type !== "aws:cloudformation:stack" || !properties?.templateFile) continue;
    const [account, region] = (environment ?? "").replace("aws://", "").split("/");
    stacks.push({
      stackName: properties.stackName ?? id,
      template: readJson(join(folder, properties.templateFile)) as Template,
      account: account?.startsWith("unknown") ? undefined : account || undefined,
      region: region?.startsWith("unknown") ? undefined : region || undefined,
    });
  }
  return stacks;
}

function collectAssets(folder: string, file: string, assets: Map<string, string>): void {
  for (const { source, destinations } of Object.values((readJson(join(folder, file)) as AssetManifest).files ?? {})) {
    for (const { objectKey } of Object.values(destinations ?? {})) {
      if (source?.path && objectKey) assets.set(objectKey, resolve(folder, source.path));
    }
  }
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));
