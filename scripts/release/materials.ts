/** What a release is made of, as CycloneDX: the packages that are published, and what they bring along; no more. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { PUBLISHED } from "./published.ts";
import { ROOT, publishedManifest } from "./manifest.ts";
import type { Tarball } from "./tarballs.ts";

interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly [more: string]: unknown;
}

interface Edge {
  readonly ref: string;
  readonly dependsOn: readonly string[];
}

export interface Materials {
  readonly bomFormat: string;
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly [more: string]: unknown };
  readonly components: readonly Component[];
  readonly dependencies: readonly Edge[];
}

interface Needs {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const sbomOfAll = (): Materials =>
  JSON.parse(
    execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"], {
      cwd: ROOT,
      encoding: "utf8",
      maxBuffer: 64 * 1_048_576,
    }),
  ) as Materials;

/** `at` is the release's time: npm would name the moment, and a number drawn by chance. */
export function materialsOf(tarballs: readonly Tarball[], at: string): Materials {
  const all = sbomOfAll();
  const ours = tarballs.map(({ name, version, sha256 }): Component => ({
    "bom-ref": `${name}@${version}`,
    type: "library",
    name,
    version,
    scope: "required",
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    licenses: [{ license: { id: "MIT" } }],
    hashes: [{ alg: "SHA-256", content: sha256 }],
  }));
  const names = new Set(ours.map(({ name }) => name));
  const ourEdges = PUBLISHED.map((published): Edge => {
    const { name, version, dependencies, optionalDependencies } = publishedManifest(published) as unknown as Needs & Component;
    const needs = Object.entries({ ...dependencies, ...optionalDependencies });
    return { ref: `${name}@${version}`, dependsOn: needs.map(([needed, of]) => `${needed}@${of}`) };
  });
  const edges = new Map([...all.dependencies, ...ourEdges].map((edge) => [edge.ref, edge]));
  const reached = reachedFrom(
    ours.map((component) => component["bom-ref"]),
    edges,
  );
  const theirs = all.components.filter((component) => reached.has(component["bom-ref"]) && !names.has(component.name));
  const components = [...ours, ...theirs];
  const known = new Set(components.map((component) => component["bom-ref"]));
  const lost = [...reached].filter((ref) => !known.has(ref));
  if (lost.length > 0) throw new Error(`The lockfile does not know ${lost.join(", ")}.`);
  const dependencies = [...reached].sort().map((ref) => edges.get(ref)!);
  const { version } = tarballs[0]!;
  const component = { "bom-ref": `streamer@${version}`, type: "application", name: "streamer", version };
  const made = { ...all, metadata: { ...all.metadata, timestamp: at, component }, components, dependencies };
  return { ...made, serialNumber: `urn:uuid:${uuidOf(JSON.stringify({ ...made, serialNumber: undefined }))}` };
}

function reachedFrom(refs: readonly string[], edges: ReadonlyMap<string, Edge>): ReadonlySet<string> {
  const reached = new Set(refs);
  for (const ref of reached) for (const next of edges.get(ref)?.dependsOn ?? []) reached.add(next);
  return reached;
}

/** A UUID of version 8: of the text's own hash. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}
