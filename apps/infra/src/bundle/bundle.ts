/**
 * Makes the code of each function: one folder with index.mjs, its chunks, and for `work` the packages that cannot be
 * bundled. The CDK app takes the folders as they are, so what the local run and the tests load is what is deployed.
 *
 * Chunks keep what is imported dynamically apart: it is not parsed before it is asked for. Source maps go to a folder
 * of their own beside the functions: for people who read a stack trace, never uploaded.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { build, type Metafile } from "esbuild";
import { FUNCTION_NAMES, planOf, type ArchitectureName, type FunctionName } from "../functions.ts";
import { commonJsNames } from "./common-js-names.ts";
import { copyPackages, packageFolder } from "./installed-packages.ts";
import { addNativePackage } from "./native-package.ts";
import { staticPathToWorkerOnly, withoutPackages, WORKER_ONLY } from "./worker-only.ts";

/** Native, or reading files beside their own code: installed next to the bundle of `work` instead of being part of it. */
const AS_INSTALLED = ["@duckdb/node-api", "fontkit", "pdfkit"] as const;

/** Read by their place, imported by no code: the letters that pdfkit prints reports in. A test holds the list to theirs. */
export const FONTS: readonly string[] = [
  ...["latin", "hebrew", "arabic", "jp", "kr", "sc"].map((part) => `@embedpdf/fonts-${part}`),
  ...["devanagari", "thai"].map((script) => `@fontsource/noto-sans-${script}`),
  "@expo-google-fonts/noto-emoji",
];

export interface BundleOptions {
  /** The module that exports `handlers`. */
  readonly handlersModule: string;
  readonly architecture: ArchitectureName;
  /** Gets a folder per function; what was there goes. */
  readonly outFolder: string;
  /** Keeps packages of other architectures than this machine's. */
  readonly cacheFolder: string;
  /** More packages that only queued runs need. */
  readonly workerOnly?: readonly string[];
  /** More packages that cannot be bundled. */
  readonly asInstalled?: readonly string[];
  /** Where the entry modules are. Default those of @streamer/aws. */
  readonly entries?: string;
  /** Default all. */
  readonly only?: readonly FunctionName[];
}

export interface Bundle {
  readonly name: FunctionName;
  readonly folder: string;
  /** index.mjs and its chunks. */
  readonly codeBytes: number;
  /** What is parsed at a start: index.mjs and the chunks it imports statically. */
  readonly startBytes: number;
  /** Bytes by package or folder, largest first: what to look at when a bundle outgrows its budget. */
  readonly parts: readonly (readonly [name: string, bytes: number])[];
}

/** CommonJS packages call `require`, which ES modules lack. Under a name of its own: bundled code may import the same. */
const REQUIRE = 'import { createRequire as streamerRequire } from "node:module"; const require = streamerRequire(import.meta.url);';
/** Where `@streamer/aws` is found from. */
const APP_FOLDER = resolve(import.meta.dirname, "..", "..");

export const bundleFunctions = (options: BundleOptions): Promise<readonly Bundle[]> =>
  Promise.all((options.only ?? FUNCTION_NAMES).map((name) => bundleFunction(name, options)));

async function bundleFunction(name: FunctionName, options: BundleOptions): Promise<Bundle> {
  const folder = join(options.outFolder, name);
  const mapsFolder = join(options.outFolder, "..", "maps", name);
  const plan = planOf(name);
  const asInstalled = [...AS_INSTALLED, ...(options.asInstalled ?? [])];
  const { outputFiles, metafile } = await build({
    stdin: { contents: entryOf(name, options), resolveDir: APP_FOLDER, sourcefile: `${name}.ts`, loader: "ts" },
    absWorkingDir: APP_FOLDER,
    outdir: folder,
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    minify: true,
    treeShaking: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // ES modules where a package has both: only those can be shaken.
    mainFields: ["module", "main"],
    entryNames: "index",
    chunkNames: "chunk-[hash]",
    outExtension: { ".js": ".mjs" },
    sourcemap: "external",
    legalComments: "none",
    banner: { js: REQUIRE },
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "silent",
    ...(plan.runsQueued
      ? { external: [...asInstalled], plugins: [commonJsNames()] }
      : {
          plugins: [withoutPackages([...new Set([...WORKER_ONLY, ...asInstalled, ...(options.workerOnly ?? [])])], name), commonJsNames()],
        }),
  });
  const entry = entryOutput(metafile);
  const way = staticPathToWorkerOnly(metafile, entry);
  if (way) {
    throw new Error(
      `${way.at(-1)} is loaded as soon as the ${name} function starts, and it is one of the packages that only queued runs may load. ` +
        `Import it inside \`run\`, with await import(…). It is reached by:\n  ${way.join("\n  ")}`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
  rmSync(mapsFolder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  mkdirSync(mapsFolder, { recursive: true });
  let codeBytes = 0;
  for (const { path, contents } of outputFiles) {
    const isMap = path.endsWith(".map");
    writeFileSync(join(isMap ? mapsFolder : folder, basename(path)), contents);
    if (!isMap) codeBytes += contents.byteLength;
  }
  if (plan.runsQueued) addPackages(metafile, folder, options);
  return { name, folder, codeBytes, startBytes: startBytes(metafile, entry), parts: partsOf(metafile) };
}

function entryOf(name: FunctionName, { handlersModule, entries = "@streamer/aws/entry" }: BundleOptions): string {
  const entry = JSON.stringify(`${entries}/${name}`);
  if (!planOf(name).takesHandlers) return `export { handler } from ${entry};`;
  return `import { handlers } from ${JSON.stringify(resolve(handlersModule))};
import { createHandler } from ${entry};
export const handler = createHandler(handlers);`;
}

/** The packages the bundle still imports by name, found from where the user's module is, else from here. */
function addPackages(metafile: Metafile, folder: string, { handlersModule, architecture, cacheFolder }: BundleOptions): void {
  const imports = Object.values(metafile.outputs).flatMap(({ imports: found }) => found);
  const names = new Set(imports.filter(({ external, path }) => external && !path.startsWith("node:")).map(({ path }) => packageName(path)));
  const from = dirname(resolve(handlersModule));
  const fonts = names.has("pdfkit") ? FONTS.filter((name) => packageFolder(name, from) !== undefined) : [];
  copyPackages([...[...names].filter((name) => !isBuiltIn(name)), ...fonts], from, folder);
  addNativePackage({ architecture, folder: from, assetFolder: folder, cacheFolder });
}

const isBuiltIn = (name: string): boolean => process.getBuiltinModule(name) !== undefined;

const packageName = (path: string): string =>
  path
    .split("/")
    .slice(0, path.startsWith("@") ? 2 : 1)
    .join("/");

function entryOutput({ outputs }: Metafile): string {
  const [found] =
    Object.entries(outputs).find(([path, { entryPoint }]) => entryPoint !== undefined && basename(path) === "index.mjs") ?? [];
  if (found === undefined) throw new Error("esbuild wrote no index.mjs.");
  return found;
}

function startBytes({ outputs }: Metafile, entry: string): number {
  const loaded = new Set([entry]);
  for (const output of loaded)
    for (const { path, kind } of outputs[output]?.imports ?? []) if (kind !== "dynamic-import" && path in outputs) loaded.add(path);
  return [...loaded].reduce((total, output) => total + (outputs[output]?.bytes ?? 0), 0);
}

function partsOf({ outputs }: Metafile): Bundle["parts"] {
  const bytes = new Map<string, number>();
  for (const [input, { bytesInOutput }] of Object.values(outputs).flatMap((output) => Object.entries(output.inputs))) {
    const inPackage = input.split("node_modules/").at(-1)!;
    const part = input.includes("node_modules/") ? packageName(inPackage) : dirname(input);
    bytes.set(part, (bytes.get(part) ?? 0) + bytesInOutput);
  }
  return [...bytes].sort(([, a], [, b]) => b - a);
}
