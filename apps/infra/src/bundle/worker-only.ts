/**
 * Keeps heavy packages out of the bundles that only take requests in. A handler's module names what it runs with, and
 * every function that knows the handlers bundles that module: without this, DuckDB and pdfkit would be in `message`,
 * parsed at each of its cold starts and never used, because what is queued runs in `work`.
 *
 * In those bundles such a package is replaced by a module that throws when it is loaded. Behind a dynamic import inside
 * `run` that is never: handlers with `isolate` are always queued. Were such a handler run there after all (mode "sync"),
 * the request fails with an error that names the package, where a missing file would name a path in a bundle.
 * One that is imported as the module loads would end the function at its start, so that is refused here, at build time.
 */
import { join, sep } from "node:path";
import type { Metafile, Plugin } from "esbuild";

const NAMESPACE = "worker-only";

/** Packages of the handlers Streamer ships that only a queued run needs. */
export const WORKER_ONLY = ["@duckdb/node-api", "@streamer/models", "bidi-js", "echarts", "fontkit", "pdfkit", "yazl"] as const;

/** Where `run` of those handlers goes on, in code of our own: what is behind them is as much as the rest of `message`. */
const WORKER_ONLY_MODULES = ["handlers/src/generate-report/generate.ts", "handlers/src/process-data/process.ts"] as const;
/** As sources, or as they are built into their package. */
const FORMS = WORKER_ONLY_MODULES.flatMap((name) => [name, name.replace("/src/", "/dist/").replace(/\.ts$/, ".js")]);

export function withoutPackages(packages: readonly string[], functionName: string): Plugin {
  return {
    name: NAMESPACE,
    setup(build) {
      for (const name of packages) {
        build.onResolve({ filter: new RegExp(`^${name.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)}(/|$)`) }, ({ path }) => ({
          path,
          namespace: NAMESPACE,
        }));
      }
      build.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, kind }) => {
        const module = join(resolveDir, path).split(sep).join("/");
        const found = FORMS.find((name) => module.endsWith(`/${name}`));
        return kind === "dynamic-import" && found !== undefined ? { path: found, namespace: NAMESPACE } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => {
        const problem =
          `"${path}" is not part of the ${functionName} function: only queued runs load it. ` +
          `Send the request without mode "sync", or, where it is a package, take it off the list workerOnly.`;
        // CommonJS, so that any name may be imported from it.
        return { contents: `module.exports = {}; throw new Error(${JSON.stringify(problem)});`, loader: "js" };
      });
    },
  };
}

/** How a package of the list is reached without a dynamic import: the files on the way, or undefined when it is not. */
export function staticPathToWorkerOnly({ inputs, outputs }: Metafile, entryOutput: string): readonly string[] | undefined {
  // By outputs, because inputs also list what tree shaking took out again.
  const loaded = reachable(entryOutput, (output) => (outputs[output]?.imports ?? []).filter(isStatic).map(({ path }) => path));
  const found = [...loaded.keys()]
    .flatMap((output) => Object.entries(outputs[output]?.inputs ?? {}))
    .find(([input, { bytesInOutput }]) => input.startsWith(`${NAMESPACE}:`) && bytesInOutput > 0)?.[0];
  if (found === undefined) return undefined;
  const entry = outputs[entryOutput]?.entryPoint ?? entryOutput;
  const cameFrom = reachable(entry, (input) => (inputs[input]?.imports ?? []).filter(isStatic).map(({ path }) => path));
  const way: string[] = [];
  for (let at: string | undefined = found; at !== undefined; at = cameFrom.get(at)) way.unshift(at.replace(`${NAMESPACE}:`, ""));
  return way;
}

const isStatic = ({ kind, external }: { readonly kind: string; readonly external?: boolean }): boolean =>
  kind !== "dynamic-import" && external !== true;

/** Everything reached from `start`, each with what it was reached from. */
function reachable(start: string, next: (at: string) => readonly string[]): ReadonlyMap<string, string | undefined> {
  const cameFrom = new Map<string, string | undefined>([[start, undefined]]);
  for (const at of cameFrom.keys()) for (const to of next(at)) if (!cameFrom.has(to)) cameFrom.set(to, at);
  return cameFrom;
}
