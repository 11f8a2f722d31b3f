/**
 * Loads modules that users wrote, as Node loads them: JavaScript, or TypeScript whose types it strips. What goes wrong is
 * told with the file it is in, which Node leaves out of some errors, and with what to do about it.
 */
import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { EXIT, ExitError } from "../exit.ts";

/** Files that were asked for since the first was loaded, those that do not load among them. */
const asked = new Set<string>();
let newest: string | undefined;
let isListening = false;

/** What is installed changes by installing, and is not looked after. */
const isOfUser = (url: string): boolean => url.startsWith("file:") && !url.includes("/node_modules/");

/** `what` it is, for people. */
export async function loadModule(path: string, what: string): Promise<Readonly<Record<string, unknown>>> {
  listen();
  const { href } = pathToFileURL(path);
  newest = path;
  asked.add(path);
  try {
    return (await import(href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new ExitError(EXIT.failed, `The ${what} ${path} cannot be loaded: ${describe(error)}`, "MODULE_NOT_LOADED", { cause: error });
  }
}

/** The files that modules loaded so far are made of. */
export const loadedFiles = (): readonly string[] => Array.from(asked);

function listen(): void {
  if (isListening) return;
  isListening = true;
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      if (isOfUser(found.url)) asked.add(fileURLToPath(found.url.split("?")[0]!));
      return found;
    },
    load(url, context, next) {
      if (isOfUser(url)) newest = fileURLToPath(url.split("?")[0]!);
      return next(url, context);
    },
  });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}.`;
  const hint = hintFor(error);
  const lines = [`${error.message.replace(/\.$/, "")}.`, ...whereOf(error), ...(hint === undefined ? [] : [hint])];
  return lines.join("\n  ");
}

/** The lines Node drew of the place, or the first of the stack that is in a file of the user; else the file read last. */
function whereOf({ stack = "", message, name }: Error): readonly string[] {
  const lines = stack.split("\n");
  const drawn = lines.findIndex((line) => line.startsWith(name) || line.includes(message.split("\n")[0]!));
  if (drawn > 0) return lines.slice(0, drawn).filter((line) => line.trim() !== "");
  const frame = lines.find((line) => /^\s+at .*(?:file:\/\/|\()\//.test(line) && !line.includes("/node_modules/"));
  if (frame !== undefined) return [frame.trim()];
  return name === "SyntaxError" && newest !== undefined ? [`in ${newest}`] : [];
}

function hintFor(error: Error): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX")
    return 'Node strips types and compiles nothing: do without enums, namespaces and parameter properties (tsconfig.json: "erasableSyntaxOnly": true), or name the compiled JavaScript.';
  if (code !== "ERR_MODULE_NOT_FOUND") return undefined;
  const [, missing = ""] = /module '([^']+)'/.exec(error.message) ?? [];
  const ending = [".ts", ".js", ".mjs", "/index.ts", "/index.js"].find((one) => missing !== "" && existsSync(missing + one));
  if (ending !== undefined) return `Imports name the whole file: write the ending, ${ending}.`;
  const [, name] = /package '([^']+)'/.exec(error.message) ?? [];
  return name === undefined ? undefined : `Install it where the file is: npm install ${name}`;
}
