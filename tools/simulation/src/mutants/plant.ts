/** Loaded before all else in a process: the mutant that its environment names, or holds as JSON, is in the source it loads. */
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { MUTANT_VARIABLE, pathOf, planted, type Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const name = process.env[MUTANT_VARIABLE] ?? "";
const mutant = name.startsWith("{") ? (JSON.parse(name) as Mutant) : MUTANTS.find((one) => one.name === name);
if (!mutant) throw new Error(`There is no mutant "${name}".`);
const { href } = pathToFileURL(pathOf(mutant));

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    return url === href ? { ...loaded, source: planted(mutant) } : loaded;
  },
});
