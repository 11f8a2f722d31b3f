/**
 * Gives `await import("a-commonjs-package")` the names Node gives it. A chunk exports what is known when it is made, and
 * of a CommonJS module esbuild knows no names: a package that is imported so would come with `default` alone, in the
 * bundle and nowhere else. The names are found as Node finds them, by reading the source (cjs-module-lexer is Node's).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { initSync, parse } from "cjs-module-lexer";
import type { Plugin } from "esbuild";

const NAMESPACE = "common-js-names";
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

export function commonJsNames(): Plugin {
  initSync();
  return {
    name: NAMESPACE,
    setup(build) {
      build.onResolve({ filter: /.*/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (kind !== "dynamic-import" || pluginData === NAMESPACE) return undefined;
        const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: NAMESPACE });
        const isSource = !found.external && found.errors.length === 0 && found.namespace === "file";
        return isSource && namesOf(found.path).length > 0 ? { path: found.path, namespace: NAMESPACE } : found;
      });
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => ({
        contents: `import whole from ${JSON.stringify(path)};
export { ${namesOf(path).join(", ")} } from ${JSON.stringify(path)};
export default whole;`,
        resolveDir: dirname(path),
      }));
    },
  };
}

/** Names of a CommonJS module, those of modules it re-exports included; none for anything else. */
function namesOf(path: string, seen = new Set<string>()): readonly string[] {
  if (seen.has(path) || ![".js", ".cjs"].includes(extname(path))) return [];
  seen.add(path);
  const names = new Set<string>();
  try {
    const { exports, reexports } = parse(readFileSync(path, "utf8"));
    for (const name of exports) if (IDENTIFIER.test(name) && name !== "default") names.add(name);
    const { resolve } = createRequire(join(dirname(path), "index.js"));
    for (const reexported of reexports) for (const name of namesOf(resolve(reexported), seen)) names.add(name);
  } catch {
    return []; // An ES module, or one Node finds no names in either.
  }
  return [...names];
}
