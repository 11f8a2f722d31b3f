/**
 * The one table of what a server can be told: the flags of `streamer serve`, its environment variables, the keys of
 * `streamer.config.ts`, and the reference in docs/guides/configuration.md are all read from it.
 *
 * To add an option: a line here, under the name the file has for it (`maxTokenLife` is `--max-token-life` and
 * `STREAMER_MAX_TOKEN_LIFE`), and its use in `serving/`, where the settings are typed by this table. Then
 * `npx streamer config --markdown` prints the table for the guide; a test compares the two.
 */
import type { LogLevel } from "@streamer/embedded";
import { DEFAULT_DATA_FOLDER, DEFAULT_PORT } from "../defaults.ts";
import { choice, duration, httpUrl, onOrOff, path, several, text, urlOrFile, wholeNumber, type Kind } from "./kinds.ts";

interface Declared<T, Written = T> {
  readonly kind: Kind<T, Written>;
  /** What it does, as help and the reference say it. */
  readonly meaning: string;
  readonly default?: T;
  /** What holds without it, where that is no constant. */
  readonly otherwise?: string;
  /** Shown to nobody, and never on a command line or in a file: from the environment alone. */
  readonly secret?: true;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];
const count = wholeNumber(1, 1e7);

const OPTIONS = {
  handlers: {
    kind: several(path("file"), "file"),
    meaning: "serve the handlers that these modules export, or the modules of these folders (.ts, .mts, .js, .mjs, .cjs)",
    otherwise: "the handlers that ship",
  },
  builtIn: {
    kind: onOrOff,
    meaning: "serve the handlers that ship, too: reports, data processing, bulk operations, echo, health",
    otherwise: "only without handlers of your own",
  },
  watch: {
    kind: onOrOff,
    meaning: "start anew when a handler, what it imports or the configuration changes; running work is handed back",
    default: false,
  },
  port: { kind: wholeNumber(0, 65_535), meaning: "port; 0 takes any free one", default: DEFAULT_PORT },
  host: { kind: text("address"), meaning: "address to listen on", default: "127.0.0.1" },
  publicUrl: {
    kind: httpUrl,
    meaning: "where clients reach this server, for links to files and the description",
    otherwise: "the address each client came by",
  },
  dataFolder: { kind: path("folder"), meaning: "everything the server keeps: requests, results, keys", default: DEFAULT_DATA_FOLDER },
  data: {
    kind: path("folder"),
    meaning: "the data sets to learn from and report on",
    otherwise: "the sample shop, made in the data folder",
  },
  mapping: {
    kind: path("file"),
    meaning: "how reports read them",
    otherwise: "`sources.json` beside them; without it there are no reports",
  },
  secret: { kind: text("secret"), meaning: "trust HS256 tokens of this secret, 32 bytes or more", secret: true, otherwise: "none" },
  secretFile: { kind: path("file"), meaning: "trust HS256 tokens of the secret in this file", otherwise: "none" },
  publicKey: { kind: path("file"), meaning: "trust tokens of this PEM public key", otherwise: "none" },
  jwks: { kind: urlOrFile, meaning: "trust tokens of this key set: a URL (https) or a file", otherwise: "none" },
  audience: {
    kind: several(text("audience"), "audiences"),
    meaning: "accept tokens for one of these audiences alone",
    otherwise: "not checked",
  },
  issuer: {
    kind: several(text("issuer"), "issuers"),
    meaning: "accept tokens of one of these issuers alone; `{tid}` in it stands for that claim of the token",
    otherwise: "not checked",
  },
  userClaim: { kind: text("claim"), meaning: "claim that says whose token it is, as `oid`", otherwise: "`sub`" },
  tenantClaim: {
    kind: text("claim"),
    meaning: "claim that says of which tenant they are, as `org_id`; a token without it is refused",
    otherwise: "`tenant_id`, and the tenant `default` without one",
  },
  permissionClaims: {
    kind: several(text("claim"), "claims"),
    meaning: "claims that say what they may do, as `realm_access.roles` or `https://example.com/roles`",
    otherwise: "`permissions`",
  },
  audienceClaim: { kind: text("claim"), meaning: "claim that `audience` is compared with, as `client_id`", otherwise: "`aud`" },
  maxTokenLife: { kind: duration, meaning: "how far ahead a token may expire", otherwise: "36525d" },
  revoked: {
    kind: path("file"),
    meaning: 'JSON of what is not accepted any more: {"jti": [], "sub": [], "tenant_id": []}; read again when it changes',
    otherwise: "none",
  },
  iKnow: {
    kind: onOrOff,
    meaning: "trust the development key also where others can connect: whoever gets a token of it can do anything",
    default: false,
  },
  allowOrigin: { kind: several(text("origin"), "origins"), meaning: "browser origins that may connect", otherwise: "none" },
  trustProxy: { kind: several(text("address"), "addresses"), meaning: "proxies whose X-Forwarded-For is believed", otherwise: "none" },
  maxConnections: { kind: count, meaning: "connections at a time", otherwise: "20,000, or what open files allow" },
  connectionsPerTenant: { kind: count, meaning: "of them, of one tenant", otherwise: "half" },
  connectionsPerUser: { kind: count, meaning: "of them, of one user", otherwise: "256" },
  connectionsPerAddress: { kind: count, meaning: "of them, from one address", otherwise: "a quarter" },
  workers: { kind: wholeNumber(1, 256), meaning: "worker processes for heavy handlers", otherwise: "one per core" },
  stopGrace: {
    kind: duration,
    meaning: "how long a stop waits for running work before it is handed back",
    otherwise: "20s; 0s with `watch`",
  },
  awsLimits: {
    kind: onOrOff,
    meaning: "keep within the limits of API Gateway and Lambda, to find their surprises on this machine",
    default: false,
  },
  logLevel: { kind: choice(LEVELS), meaning: "lowest level of the JSON lines on stderr", default: "info" },
} as const satisfies Readonly<Record<string, AnyOption>>;

// oxlint-disable-next-line no-explicit-any -- of whatever type: what the table is checked by, and read through by name
export type AnyOption = Declared<any, any>;
type Options = typeof OPTIONS;
export type OptionName = keyof Options;

type ValueOf<O extends AnyOption> = O["kind"] extends Kind<infer T, infer _> ? T : never;
type WrittenOf<O extends AnyOption> = O["kind"] extends Kind<infer _, infer W> ? W : never;

/** What is in force: undefined where nothing was said and there is no constant default. */
export type Settings = {
  readonly [N in OptionName]: Options[N] extends { readonly default: unknown } ? ValueOf<Options[N]> : ValueOf<Options[N]> | undefined;
};

/** What `streamer.config.ts` may hold. */
export type StreamerConfig = {
  readonly [N in OptionName as Options[N] extends { readonly secret: true } ? never : N]?: WrittenOf<Options[N]>;
};

export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];
export const optionOf = (name: OptionName): AnyOption => OPTIONS[name];
export const isOptionName = (name: string): name is OptionName => Object.hasOwn(OPTIONS, name);

const words = (name: string, separator: string): string => name.replaceAll(/[A-Z]/g, (letter) => separator + letter.toLowerCase());
export const flagOf = (name: OptionName): string => `--${words(name, "-")}`;
export const variableOf = (name: OptionName): string => `STREAMER_${words(name, "_").toUpperCase()}`;
