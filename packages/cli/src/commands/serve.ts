/** streamer serve: the embedded server with the handlers Streamer ships, until it is told to stop. */
import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { basename } from "node:path";
import { Option, type Command } from "commander";
import { logging } from "@streamer/core";
import { API_GATEWAY_LIMITS } from "@streamer/protocol";
import { dataFileNames } from "@streamer/handlers";
import {
  needsOwnKeys,
  ownAddresses,
  startServer,
  type AuthOptions,
  type LogLevel,
  type Server,
  type ServerOptions,
  type TrustedKeys,
} from "@streamer/embedded";
import { DEFAULT_DATA_FOLDER, DEFAULT_PORT, DEVELOPER, accessFlags, quote } from "../access.ts";
import { EXIT, EXIT_HELP, ExitError, Said, usage } from "../exit.ts";
import { prepareShop, type Shop } from "../shop.ts";
import { reportDays, type Period } from "../period.ts";
import { addSecretOptions, readSecret, type SecretOptions } from "../secret.ts";
import type { Shell } from "../shell.ts";
import { createTerminal, type Terminal } from "../terminal.ts";
import { duration, gather, wholeNumber } from "../values.ts";

interface ServeOptions extends SecretOptions {
  readonly port: number;
  readonly host: string;
  readonly dataFolder: string;
  readonly data?: string;
  readonly mapping?: string;
  readonly allowOrigin?: readonly string[];
  readonly publicKey?: string;
  readonly jwks?: string;
  readonly audience?: string;
  readonly issuer?: string;
  readonly maxTokenLife?: number;
  readonly revoked?: string;
  readonly trustProxy?: readonly string[];
  readonly maxConnections?: number;
  readonly connectionsPerTenant?: number;
  readonly connectionsPerUser?: number;
  readonly connectionsPerAddress?: number;
  readonly publicUrl?: string;
  readonly iKnow?: boolean;
  readonly workers?: number;
  readonly awsLimits?: boolean;
  readonly logLevel: LogLevel;
  readonly json?: boolean;
}

const HELP = `
Without a secret, --public-key or --jwks the server trusts a development key it keeps in its data folder, and prints a
token made with it. With one it prints none. SIGTERM or Ctrl-C stops gracefully: running work is finished or handed back, then exit code 0.
A second signal ends the process at once; nothing that was acknowledged is lost by that. After an exception that nobody
caught it stops as gracefully, with exit code 1.

Examples:
  $ streamer serve
  $ streamer serve --port 9000 --data ./my-shop --mapping ./my-shop/sources.json
  $ streamer serve --jwks https://id.example.com/jwks.json --issuer https://id.example.com/ --audience streamer
  $ streamer serve --secret-file ./secret --host 0.0.0.0 --allow-origin https://app.example.com
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  addSecretOptions(command, "trust HS256 tokens of this secret, 32 bytes or more")
    .description("Run a server: one process, one data folder, nothing else needed.")
    .option("--port <n>", "port; 0 takes any free one", wholeNumber(0, 65_535), DEFAULT_PORT)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--data-folder <folder>", "everything the server keeps: requests, results, keys", DEFAULT_DATA_FOLDER)
    .option("--data <folder>", "the data sets to learn from and report on (default: the sample shop, made in the data folder)")
    .option("--mapping <file>", "how reports read them (default: sources.json beside them; without it there are no reports)")
    .option("--allow-origin <origins>", "browser origins that may connect, with commas or several times (default: none)", gather)
    .addOption(new Option("--public-key <file>", "trust tokens of this PEM public key").env("STREAMER_PUBLIC_KEY"))
    .addOption(new Option("--jwks <url>", "trust tokens of this key set: a URL (https) or a file").env("STREAMER_JWKS"))
    .addOption(new Option("--audience <audience>", "accept tokens for this audience alone").env("STREAMER_AUDIENCE"))
    .addOption(new Option("--issuer <issuer>", "accept tokens of this issuer alone").env("STREAMER_ISSUER"))
    .option("--max-token-life <duration>", "how far ahead a token may expire (default: 366d)", duration)
    .option(
      "--revoked <file>",
      'JSON of what is not accepted any more: {"jti": [], "sub": [], "tenant_id": []}; read again when it changes',
    )
    .option("--trust-proxy <addresses>", "proxies whose X-Forwarded-For is believed, with commas or several times (default: none)", gather)
    .option("--max-connections <n>", "connections at a time (default: 20,000, or what open files allow)", wholeNumber(1, 1e7))
    .option("--connections-per-tenant <n>", "of them (default: half)", wholeNumber(1, 1e7))
    .option("--connections-per-user <n>", "of them (default: 256)", wholeNumber(1, 1e7))
    .option("--connections-per-address <n>", "of them (default: a quarter)", wholeNumber(1, 1e7))
    .addOption(
      new Option("--public-url <url>", "where clients reach this server, for file links (default: the address each client came by)").env(
        "STREAMER_PUBLIC_URL",
      ),
    )
    .addOption(
      new Option("--i-know", "trust the development key also where others can connect: whoever gets a token of it can do anything").env(
        "STREAMER_I_KNOW",
      ),
    )
    .option("--aws-limits", "keep within the limits of API Gateway and Lambda, to find their surprises on this machine")
    .option("--workers <n>", "worker processes for heavy handlers (default: one per core)", wholeNumber(1, 256))
    .addOption(
      new Option("--log-level <level>", "JSON lines on stderr").choices(["debug", "info", "warn", "error", "silent"]).default("info"),
    )
    .option("--json", "print one JSON line when ready: url, http_url, token")
    .addHelpText("after", HELP)
    .action((options: ServeOptions) => serve(options, shell));
}

async function serve(options: ServeOptions, shell: Shell): Promise<void> {
  // Before anything is written: requests and results are nobody else's on this machine.
  process.umask(0o077);
  const terminal = createTerminal(shell, options.json);
  const auth = readAuth(options, shell);
  if (!auth && !options.iKnow && needsOwnKeys(options)) throw usage(PUBLIC_DEVELOPMENT_KEY);
  const stop = Promise.withResolvers<"asked" | "broken">();
  terminal.onInterrupt((count, signal) => {
    if (count > 1) process.exit(EXIT.failed);
    terminal.note(`${signal}: stopping; once more ends it at once.`);
    stop.resolve("asked");
  });
  const forget = shell.onStarterGone(() => {
    terminal.note("What started this process has gone: stopping.");
    stop.resolve("asked");
  });
  // What was under way then is in a state nobody knows: this process ends, and whoever watches it starts another.
  const ignore = shell.onUncaught(() => {
    terminal.note("An exception that nobody caught, see the log: stopping.");
    stop.resolve("broken");
  });
  const shop = await prepareShop(options, terminal);
  const period = shop.hasMapping ? await reportDays(shop, {}) : undefined;
  const server = await start(options, shop, auth);
  // Whoever signs with a key of their own has tokens of their own, and logs keep what is printed.
  const token = auth ? undefined : await server.developmentToken(DEVELOPER);
  const { publicUrl = null } = options;
  if (options.json) terminal.printJson({ url: server.url, http_url: server.httpUrl, public_url: publicUrl, token: token ?? null });
  else welcome({ server, token, shop, period, options, terminal });
  const reason = await stop.promise;
  await server.stop();
  ignore();
  forget();
  if (reason === "broken") throw new Said(EXIT.failed);
}

async function start(options: ServeOptions, shop: Shop, auth: AuthOptions | undefined): Promise<Server> {
  const { host, port, dataFolder, logLevel, allowOrigin = [], publicUrl, workers } = options;
  try {
    return await startServer({
      handlers: shop.handlers(dataFolder),
      host,
      port,
      dataFolder,
      logLevel,
      middleware: [logging],
      allowedOrigins: allowOrigin,
      ...(auth && { auth }),
      ...(publicUrl !== undefined && { publicUrl }),
      ...(options.iKnow && { publicDevelopmentKey: true }),
      ...(workers !== undefined && { workers }),
      ...(options.awsLimits && { transport: API_GATEWAY_LIMITS }),
      ...doors(options),
    });
  } catch (error) {
    // What the server cannot be told: a file that holds no list, an address that is none.
    if (error instanceof TypeError) throw usage(error.message);
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE")
      throw new ExitError(EXIT.failed, `Port ${port} on ${host} is taken. Choose another with --port, or 0 for any free one.`, code);
    if (code === "EACCES") throw new ExitError(EXIT.failed, `Port ${port} on ${host} may not be used by you. Choose one above 1023.`, code);
    throw error;
  }
}

/** What was not said is the server's to choose. */
function doors(options: ServeOptions): Pick<ServerOptions, "maxConnections" | "connectionLimits" | "trustedProxies"> {
  const { maxConnections, connectionsPerTenant: perTenant, connectionsPerUser: perUser, connectionsPerAddress: perAddress } = options;
  return {
    ...(maxConnections !== undefined && { maxConnections }),
    ...(options.trustProxy && { trustedProxies: options.trustProxy }),
    connectionLimits: {
      ...(perTenant !== undefined && { perTenant }),
      ...(perUser !== undefined && { perUser }),
      ...(perAddress !== undefined && { perAddress }),
    },
  };
}

function readAuth(options: ServeOptions, shell: Shell): AuthOptions | undefined {
  const keys = readKeys(options, shell);
  const { audience, issuer, maxTokenLife: maxLifeMs, revoked } = options;
  const rules = {
    ...(audience !== undefined && { audience }),
    ...(issuer !== undefined && { issuer }),
    ...(maxLifeMs !== undefined && { maxLifeMs }),
    ...(revoked !== undefined && { revoked }),
  };
  if (keys) return { ...keys, ...rules };
  if (Object.keys(rules).length > 0)
    throw usage(
      "--audience, --issuer, --max-token-life and --revoked are about tokens of your own: give --jwks, --public-key or a secret.",
    );
  return undefined;
}

function readKeys(options: ServeOptions, shell: Shell): TrustedKeys | undefined {
  const { publicKey, jwks } = options;
  const secret = readSecret(options, shell);
  if ([secret, publicKey, jwks].filter((given) => given !== undefined).length > 1) {
    throw usage("Give one of a secret, --public-key and --jwks (or its environment variable), not several.");
  }
  if (secret !== undefined) return { secret };
  if (jwks !== undefined) return { jwks };
  if (publicKey === undefined) return undefined;
  try {
    return { publicKey: readFileSync(publicKey, "utf8") };
  } catch (error) {
    throw usage(`The public key cannot be read from ${publicKey}: ${(error as Error).message}.`);
  }
}

const PUBLIC_DEVELOPMENT_KEY = `Others can connect to this address, and the server would trust the development key in its data folder.
  Say whose tokens it accepts: --jwks URL, --public-key FILE, --secret-file FILE or STREAMER_SECRET.
  Or keep to this machine: --host 127.0.0.1, and no --public-url of another.
  To try it out where nobody else is: --i-know.`;

interface Welcome {
  readonly server: Server;
  readonly token: string | undefined;
  readonly shop: Shop;
  /** Undefined where there is nothing to report on. */
  readonly period: Period | undefined;
  readonly options: ServeOptions;
  readonly terminal: Terminal;
}

function welcome({ server, token, shop, period, options, terminal }: Welcome): void {
  const { print } = terminal;
  const bold = (text: string): string => terminal.style("bold", text, terminal.stdout);
  print(`${bold("Streamer")} at ${server.url}, files and health at ${server.httpUrl}`);
  const elsewhere = reachedAt(server, options);
  if (elsewhere.length > 0) print(`For others at ${elsewhere.join(", ")}`);
  print(`Data in ${options.dataFolder}, ${shop.hasMapping ? "reports" : "data sets"} from ${shop.folder}`);
  if (!shop.hasMapping) print(`Reports need a ${basename(shop.mappingFile)} there, see docs/guides/reports.md.`);
  if (token === undefined) {
    print("Tokens are yours to make: it trusts the key you gave. Clients pass theirs with --token, STREAMER_TOKEN or a profile.");
    return;
  }
  const how = accessFlags({ url: server.url, dataFolder: options.dataFolder });
  for (const line of ["", "A token for development, valid for 24 hours:", token, ""]) print(line);
  print(`${bold("Try it")}, in another terminal in this folder:`);
  print(`  npx streamer request echo --payload ${quote('{"hello":"world"}')}${how}`);
  const heavy = heavyExample(shop, period);
  if (heavy) print(`  npx streamer request ${heavy.action} --payload ${quote(JSON.stringify(heavy.payload))} --out .${how}`);
  print(`  curl -s ${server.httpUrl}/readyz`);
  print("");
  print("Ctrl-C stops it.");
}

/** The URLs by which others than this machine's programs come. */
function reachedAt({ url }: Server, { host, publicUrl }: ServeOptions): readonly string[] {
  if (publicUrl !== undefined) return [publicUrl.replace(/^http/i, "ws")];
  if (!/^[0:.]+$/.test(host)) return [];
  const addresses = ownAddresses().filter((address) => host.includes(":") || isIPv4(address));
  return addresses.map((address) => `ws://${isIPv4(address) ? address : `[${address}]`}:${new URL(url).port}`);
}

/** Work that takes a while, on what is there: a report, else what a data set's rows have in common. */
function heavyExample(shop: Shop, period: Period | undefined): { readonly action: string; readonly payload: object } | undefined {
  if (period) return { action: "generate_report", payload: { start_date: period[0], end_date: period[1], format: "pdf" } };
  const [path] = dataFileNames(shop.folder);
  if (path === undefined) return undefined;
  return { action: "process_data", payload: { pipeline: "clustering", data_source: { type: "file", path } } };
}
