/** streamer init: a folder with an application that runs, is tested and can be deployed, from the templates of this package. */
import { builtinModules } from "node:module";
import { once } from "node:events";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { EXIT, EXIT_HELP, ExitError, usage } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { createTerminal, type Terminal } from "../terminal.ts";
import manifest from "../../package.json" with { type: "json" };

interface InitOptions {
  readonly name?: string;
  readonly json?: boolean;
}

/** As far from here in the package that is built as in this tree. */
const TEMPLATE = fileURLToPath(new URL("../../templates/app", import.meta.url));
/** npm keeps such files out of packages, or reads them itself. */
const DOT_FILES: ReadonlySet<string> = new Set(["gitignore", "dockerignore"]);
/** Where a repository was made first. */
const MAY_BE_THERE: ReadonlySet<string> = new Set([".git"]);

const HELP = `
The folder gets a handler, a server with a page, a test that asks it over a real WebSocket, and a Dockerfile. It has to be
new or empty. Versions are those of this command, exactly.

Examples:
  $ streamer init my-app
  $ streamer init . --name @my-company/my-app
  $ streamer init my-app --json
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Make a folder with an application: a handler, a server, a page, a test.")
    .argument("[folder]", "where (asked for on a terminal)")
    .option("--name <name>", "name of its npm package (default: the folder's)")
    .option("--json", "print one JSON line when done: name, folder, files")
    .addHelpText("after", HELP)
    .action((folder: string | undefined, options: InitOptions) => init(folder, options, shell));
}

async function init(given: string | undefined, options: InitOptions, shell: Shell): Promise<void> {
  const terminal = createTerminal(shell, options.json);
  const folder = resolve(given ?? (await askForFolder(shell, terminal)));
  const name = options.name ?? basename(folder);
  const reason = whyNoPackageName(name);
  if (reason !== undefined)
    throw new ExitError(EXIT.usage, `"${name}" cannot be the name of an npm package: ${reason}. Name it with --name.`, "INVALID_NAME");
  await refuseWhatIsNotEmpty(folder);
  const files = await write(folder, name);
  if (terminal.json) return terminal.printJson({ type: "outcome", name, folder, files });
  const place = relative(process.cwd(), folder);
  terminal.print(`${terminal.style("green", "Made", terminal.stdout)} ${name} in ${folder}: ${files.length} files. What is next:`);
  if (place !== "") terminal.print(`  cd ${place}`);
  for (const line of ["npm install", "npm test", "npm start"]) terminal.print(`  ${line}`);
}

async function askForFolder({ stdin }: Shell, terminal: Terminal): Promise<string> {
  if (!stdin.isTTY || terminal.json) throw usage("Which folder? For example: streamer init my-app");
  terminal.ask("Name of the new folder: ");
  const lines = createInterface({ input: stdin });
  try {
    const [answer = ""] = (await Promise.race([once(lines, "line"), once(lines, "close")])) as [string?];
    if (answer.trim() === "") throw new ExitError(EXIT.cancelled, "Nothing was made: no folder was named.", "CANCELLED");
    return answer.trim();
  } finally {
    lines.close();
  }
}

/** npm's rules for new names. */
export function whyNoPackageName(name: string): string | undefined {
  const [, scope, own = name] = /^@([^/]*)\/(.*)$/s.exec(name) ?? [];
  if (name.length > 214) return "it is longer than 214 characters";
  for (const part of scope === undefined ? [own] : [scope, own]) {
    if (part === "") return "a part of it is empty";
    if (!/^[a-z0-9._~-]+$/.test(part)) return "it may have lowercase letters, digits, and . _ - ~ alone";
    if (/^[._-]/.test(part)) return "it begins with . _ or -";
  }
  if (["node_modules", "favicon.ico"].includes(name) || builtinModules.includes(name)) return "it is taken by Node or npm";
  return undefined;
}

async function refuseWhatIsNotEmpty(folder: string): Promise<void> {
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    if (error.code === "ENOTDIR") throw new ExitError(EXIT.failed, `${folder} is no folder. Name another one.`, "NOT_A_FOLDER");
    throw failed(folder, error);
  });
  const others = there.filter((entry) => !MAY_BE_THERE.has(entry));
  if (others.length === 0) return;
  const named = others.toSorted().slice(0, 3).join(", ");
  throw new ExitError(
    EXIT.failed,
    `${folder} is not empty, and is left as it is: it has ${named}${others.length > 3 ? ` and ${others.length - 3} more` : ""}. Name a new folder, or an empty one.`,
    "FOLDER_NOT_EMPTY",
  );
}

/** Answers the paths of what it wrote, in their order. */
async function write(folder: string, name: string): Promise<readonly string[]> {
  const entries = await readdir(TEMPLATE, { recursive: true, withFileTypes: true });
  const sources = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const written = await Promise.all(
    sources.map(async (source) => {
      const path = join(dirname(relative(TEMPLATE, source)), targetName(basename(source)));
      const text = await readFile(source, "utf8");
      const target = join(folder, path);
      await mkdir(dirname(target), { recursive: true });
      // Nothing is written over, even if it came a moment ago.
      await writeFile(target, path === "package.json" ? packageOf(text, name) : filledIn(text, name), { flag: "wx" });
      return path;
    }),
  ).catch((error: unknown) => {
    throw failed(folder, error);
  });
  return written.toSorted();
}

const targetName = (name: string): string => (DOT_FILES.has(name) ? `.${name}` : name);

const filledIn = (text: string, name: string): string =>
  text
    .replaceAll("{{name}}", name)
    .replaceAll("{{cli}}", `${manifest.name}@${manifest.version}`)
    // An image may be named less freely than a package.
    .replaceAll("{{image}}", name.replace(/^@[^/]+\//, "").replaceAll(/[^a-z0-9]+/g, "-"));

/** Of what is released together with this command, its own version. */
function packageOf(text: string, name: string): string {
  const template = JSON.parse(text) as { readonly dependencies: Readonly<Record<string, string>> };
  const scope = manifest.name.slice(0, manifest.name.indexOf("/") + 1);
  const dependencies = Object.entries(template.dependencies).map(([other, version]) => [
    other,
    other.startsWith(scope) ? manifest.version : version,
  ]);
  return `${JSON.stringify({ ...template, name, dependencies: Object.fromEntries(dependencies) as unknown }, null, 2)}\n`;
}

const failed = (folder: string, error: unknown): ExitError =>
  new ExitError(
    EXIT.failed,
    `The application could not be made whole in ${folder}: ${(error as Error).message}. Remove what is there, and try again.`,
    "INIT_FAILED",
    { cause: error },
  );
