/**
 * The configuration file: `streamer.config.ts`, `.js`, `.mjs` or `.json` in the folder where the command runs, or the one
 * that is named. It is the user's code and trusted as such; what it holds is checked key by key.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { usage } from "../exit.ts";
import { loadModule } from "../serving/load-module.ts";

export const CONFIG_FILES = ["streamer.config.ts", "streamer.config.js", "streamer.config.mjs", "streamer.config.json"] as const;

/** The file there is, if any; `named` must be there. */
export function findConfigFile(named: string | undefined, folder: string): string | undefined {
  if (named !== undefined) {
    const path = resolve(folder, named);
    if (!existsSync(path)) throw usage(`There is no configuration file ${named}.`);
    return path;
  }
  const found = CONFIG_FILES.filter((name) => existsSync(resolve(folder, name)));
  if (found.length > 1) throw usage(`There are several configuration files: ${found.join(", ")}. Keep one, or name it with --config.`);
  return found[0] === undefined ? undefined : resolve(folder, found[0]);
}

/** The keys and values it has, unchecked. */
export async function readConfigFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  const found = path.endsWith(".json") ? readJson(path) : (await loadModule(path, "configuration file"))["default"];
  if (typeof found === "object" && found !== null && !Array.isArray(found)) return found as Readonly<Record<string, unknown>>;
  throw usage(
    `${path} ${path.endsWith(".json") ? "must hold an object" : "must have an object as its default export"}, such as { "port": 9000 }.`,
  );
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw usage(`${path} cannot be read as JSON: ${(error as Error).message}.`);
  }
}
