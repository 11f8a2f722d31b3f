/** streamer serve: the embedded server with your handlers, or those Streamer ships, until it is told to stop. */
import { resolve } from "node:path";
import { statSync } from "node:fs";
import { Option, type Command } from "commander";
import type { AnyHandler } from "@streamer/core";
import { DEVELOPER } from "../access.ts";
import { CONFIG_FILES } from "../configuration/config-file.ts";
import { addOptions } from "../configuration/flags.ts";
import type { Settings } from "../configuration/options.ts";
import { resolveConfiguration, type Configuration, type Flags } from "../configuration/resolve.ts";
import { EXIT, EXIT_HELP, Said, usage } from "../exit.ts";
import { addRefusedSecret, type SecretOptions } from "../secret.ts";
import { loadHandlers } from "../serving/handlers.ts";
import { readAuth } from "../serving/keys.ts";
import { loadedFiles } from "../serving/load-module.ts";
import { start } from "../serving/start.ts";
import { WATCHED_FLAG, watchAndServe, watcher } from "../serving/watch.ts";
import type { Watched } from "../serving/watched-files.ts";
import { welcome, type BuiltIn } from "../serving/welcome.ts";
import type { Shell } from "../shell.ts";
import { createTerminal, type Terminal } from "../terminal.ts";

type ServeFlags = Flags & Pick<SecretOptions, "secret"> & { readonly json?: boolean; readonly watched?: string };

const HELP = `
Each option can be given by its flag, its environment variable or streamer.config.ts, in this order of precedence;
"streamer config" shows what is in force. Without a secret, --public-key or --jwks the server trusts a development key it
keeps in its data folder, and prints a token made with it. With one it prints none. SIGTERM or Ctrl-C stops gracefully:
running work is finished or handed back, then exit code 0. A second signal ends the process at once; nothing that was
acknowledged is lost by that. After an exception that nobody caught it stops as gracefully, with exit code 1.

Examples:
  $ streamer serve
  $ streamer serve --handlers ./my-handlers.ts --watch
  $ streamer serve --port 9000 --data ./my-shop --mapping ./my-shop/sources.json
  $ streamer serve --jwks https://id.example.com/jwks.json --issuer https://id.example.com/ --audience streamer
  $ streamer serve --secret-file ./secret --host 0.0.0.0 --public-url https://streamer.example.com
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  addRefusedSecret(addOptions(command))
    .description("Run a server: one process, one data folder, nothing else needed.")
    .option("--json", "print one JSON line when ready: url, http_url, public_url, token")
    .addOption(new Option(`${WATCHED_FLAG} <port>`).hideHelp())
    .addHelpText("after", HELP)
    .action((flags: ServeFlags) => (flags.watched === undefined ? serveOrWatch(flags, shell) : serveWatched(flags, shell)));
}

async function serveOrWatch(flags: ServeFlags, shell: Shell): Promise<void> {
  const configuration = await resolveConfiguration(flags, shell.env);
  if (!configuration.settings.watch) return serve(configuration, flags, shell);
  const terminal = createTerminal(shell, flags.json);
  const code = await watchAndServe({
    terminal,
    args: process.argv.slice(2),
    watched: { files: CONFIG_FILES.map((name) => resolve(name)), folders: [] },
    onStop: (handle) => stopSignals(shell, terminal, handle),
  });
  if (code !== EXIT.done) throw new Said(code);
}

/** As the process that is watched: it says what it is made of, whether it starts or not. */
async function serveWatched(flags: ServeFlags, shell: Shell): Promise<void> {
  let named: Watched = { files: [], folders: [] };
  const tellFiles = (): Promise<void> => {
    const { files, folders } = named;
    return watcher.tell({ type: "files", watched: { files: [...loadedFiles(), ...files], folders } });
  };
  // Before anything runs there is nothing to hand back.
  let stopNow = (): void => process.exit(EXIT.done);
  watcher.onStop(() => stopNow());
  const whenServing = async (port: number, stop: () => void): Promise<void> => {
    stopNow = stop;
    await watcher.tell({ type: "ready", port });
  };
  try {
    const configuration = await resolveConfiguration(flags, shell.env);
    const { handlers = [], port } = configuration.settings;
    const paths = handlers.map((path) => resolve(path));
    const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    named = { files: paths.filter((path) => !isFolder(path)), folders: paths.filter(isFolder) };
    const settings = { ...configuration.settings, port: port === 0 ? Number(flags.watched) : port };
    await serve({ ...configuration, settings }, flags, shell, { tellFiles, whenServing });
  } catch (error) {
    await tellFiles();
    throw error;
  }
}

interface Watching {
  readonly tellFiles: () => Promise<void>;
  readonly whenServing: (port: number, stop: () => void) => Promise<void>;
}

async function serve({ settings, unknownVariables }: Configuration, flags: ServeFlags, shell: Shell, watching?: Watching): Promise<void> {
  // Before anything is written: requests and results are nobody else's on this machine.
  process.umask(0o077);
  const terminal = createTerminal(shell, flags.json);
  for (const name of unknownVariables) terminal.note(`${name} is set, and is no option: see streamer config.`);
  const auth = readAuth(settings, flags.secret, shell);
  const stop = Promise.withResolvers<"asked" | "broken">();
  const stopListening = stopSignals(shell, terminal, (count) => {
    if (count > 1) process.exit(EXIT.failed);
    stop.resolve("asked");
  });
  // What was under way then is in a state nobody knows: this process ends, and whoever watches it starts another.
  const ignore = shell.onUncaught(() => {
    terminal.note("An exception that nobody caught, see the log: stopping.");
    stop.resolve("broken");
  });
  const { builtIn, own } = await prepare(settings, terminal);
  await watching?.tellFiles();
  const server = await start({ settings, handlers: [...(builtIn?.handlers ?? []), ...own], auth });
  // Whoever signs with a key of their own has tokens of their own, and logs keep what is printed.
  const token = auth ? undefined : await server.developmentToken(DEVELOPER);
  const { publicUrl = null } = settings;
  if (flags.json) terminal.printJson({ url: server.url, http_url: server.httpUrl, public_url: publicUrl, token: token ?? null });
  else if (Number(flags.watched) > 0) terminal.note(`Serving again: ${own.map(({ action }) => action).join(", ")}`);
  else welcome({ server, token, builtIn, own, settings, terminal });
  await watching?.whenServing(Number(new URL(server.httpUrl).port), () => stop.resolve("asked"));
  const reason = await stop.promise;
  await server.stop();
  ignore();
  stopListening();
  if (reason === "broken") throw new Said(EXIT.failed);
}

/** Calls `handle` at each signal to stop, and when what started this process has gone, with how many there were. */
function stopSignals(shell: Shell, terminal: Terminal, handle: (count: number) => void): () => void {
  const stopListening = terminal.onInterrupt((count, signal) => {
    if (count === 1) terminal.note(`${signal}: stopping; once more ends it at once.`);
    handle(count);
  });
  const forget = shell.onStarterGone(() => {
    terminal.note("What started this process has gone: stopping.");
    handle(1);
  });
  return () => {
    stopListening();
    forget();
  };
}

interface Prepared {
  readonly builtIn: BuiltIn | undefined;
  readonly own: readonly AnyHandler[];
}

async function prepare(settings: Settings, terminal: Terminal): Promise<Prepared> {
  const { handlers: paths = [], builtIn: isWanted = paths.length === 0 } = settings;
  if (!isWanted && paths.length === 0) throw usage("There is nothing to serve: give --handlers, or leave --no-built-in out.");
  if (!isWanted && (settings.data !== undefined || settings.mapping !== undefined))
    throw usage("--data and --mapping are for the handlers that ship: give --built-in to serve them beside yours.");
  const builtIn = isWanted ? await (await import("../serving/built-in.ts")).prepareBuiltIn(settings, terminal) : undefined;
  const { handlers: own, passedOver } = await loadHandlers(paths, builtIn?.handlers);
  if (passedOver.length > 0) terminal.note(`No handlers in ${passedOver.length} of the modules: ${passedOver.join(", ")}`);
  return { builtIn, own };
}
