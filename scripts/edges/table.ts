/**
 * Who may import whom: the one table of it. Lint is printed from it (lint.ts), a test holds every import of the tree to it
 * (edges.test.ts). What it does not name is not allowed.
 *
 * An edge is the name of a package or room: `core`; one of its entry points alone: `aws/table`; its types alone:
 * `type handler`; one type alone: `type protocol#JsonObject`; or a folder outside of any package: `scripts`.
 */
export interface Room {
  /** Below `src`: files, and folders (with a slash). A file belongs to the room whose path names it most exactly. */
  readonly paths: readonly string[];
  /** Rooms of the same package. */
  readonly imports: readonly string[];
}

export interface Part {
  /** Packages, and folders outside of the part. */
  readonly imports: readonly string[];
  /** What its tests import as well. Tests may enter every room. */
  readonly tests?: readonly string[];
  /** Runs where Node does not: nothing of `node:`. */
  readonly anywhere?: true;
  /** Why no more is allowed: what lint says. */
  readonly why: string;
  readonly rooms?: Readonly<Record<string, Room>>;
}

/** The stages of the flow, in the order in which a request goes through them: each may import those below it. */
const STAGES = ["receive", "route", "submit", "runs", "report", "deliver"];
const LEAVES = ["accepted", "access", "faults", "learn"];
const AROUND_A_STAGE = ["awaitable", "errors", "rules", "type ports", "type handler", "type options"];
/** What each stage may import, whether it does or not. */
export const DECLARED = Object.fromEntries(STAGES.map((stage, at) => [stage, [...STAGES.slice(at + 1), ...LEAVES, ...AROUND_A_STAGE]]));
/** Where a stage needs more than what is around it. */
const BESIDES: Readonly<Partial<Record<string, readonly string[]>>> = {
  runs: ["middleware", "json-length"],
};
const IS_A_FOLDER: ReadonlySet<string> = new Set(["receive", "runs", "report", "deliver"]);

const stages: Readonly<Record<string, Room>> = Object.fromEntries(
  Object.entries(DECLARED).map(([stage, below]) => [
    stage,
    { paths: [`flow/${stage}${IS_A_FOLDER.has(stage) ? "/" : ".ts"}`], imports: [...below, ...(BESIDES[stage] ?? [])] },
  ]),
);

const CORE: Readonly<Record<string, Room>> = {
  index: {
    paths: ["index.ts"],
    imports: ["awaitable", "errors", "handler", "loops", "middleware", "once", "options", "ports", "rules", "streamer"],
  },
  streamer: {
    paths: ["streamer.ts"],
    imports: [
      "awaitable",
      "access",
      "faults",
      "receive",
      "route",
      "submit",
      "runs",
      "deliver",
      "wait",
      "lifecycle",
      "learn",
      "middleware",
      "options",
      "rules",
      "type handler",
      "type ports",
    ],
  },
  lifecycle: { paths: ["flow/lifecycle.ts"], imports: ["runs", "deliver", "learn", "rules", "type ports", "type options"] },
  wait: { paths: ["flow/wait.ts"], imports: ["runs", "learn", "rules", "type ports", "type handler"] },
  ...stages,
  accepted: { paths: ["flow/accepted.ts"], imports: ["type handler", "type ports", "type rules"] },
  access: {
    paths: ["flow/access.ts"],
    imports: ["awaitable", "errors", "middleware", "rules", "type ports", "type handler", "type options"],
  },
  faults: { paths: ["flow/faults.ts", "flow/stacks.ts"], imports: ["errors", "rules", "type ports"] },
  learn: { paths: ["flow/learn.ts"], imports: ["errors", "rules", "type ports", "type handler"] },
  middleware: { paths: ["middleware.ts"], imports: ["errors", "type handler", "type ports"] },
  loops: { paths: ["loops.ts"], imports: ["errors", "type ports"] },
  once: { paths: ["once.ts"], imports: [] },
  awaitable: { paths: ["awaitable.ts"], imports: ["type ports"] },
  handler: { paths: ["handler.ts"], imports: ["rules", "type ports"] },
  options: { paths: ["options.ts"], imports: ["rules"] },
  rules: { paths: ["rules/"], imports: ["errors", "thrown", "json-length", "type ports", "type handler", "type options"] },
  ports: { paths: ["ports/"], imports: ["type handler", "type rules"] },
  errors: { paths: ["errors.ts"], imports: ["thrown"] },
  thrown: { paths: ["thrown.ts"], imports: ["json-length"] },
  "json-length": { paths: ["json-length.ts"], imports: [] },
};

/** Its top holds the ports under their names; each is made of what is in a room. */
const EMBEDDED: Readonly<Record<string, Room>> = {
  index: { paths: ["index.ts"], imports: ["engine", "ports", "server", "sqlite"] },
  server: { paths: ["server/"], imports: ["engine", "ports", "blobs", "sqlite", "replies"] },
  engine: { paths: ["engine.ts"], imports: ["ports", "blobs", "sqlite", "store"] },
  ports: { paths: [""], imports: ["requests", "blobs", "isolation", "sqlite", "store"] },
  requests: { paths: ["requests/"], imports: ["sqlite", "type store"] },
  store: { paths: ["sqlite/store.ts"], imports: ["requests", "sqlite"] },
  sqlite: { paths: ["sqlite/"], imports: [] },
  isolation: { paths: ["isolation/"], imports: ["blobs"] },
  blobs: { paths: ["blobs/"], imports: ["replies", "type engine", "type ports"] },
  replies: { paths: ["server/replies.ts", "server/secret.ts"], imports: [] },
};

const AWS: Readonly<Record<string, Room>> = {
  index: { paths: ["index.ts"], imports: ["engine", "requests", "dynamodb", "settings", "clock and queue", "metrics"] },
  functions: {
    paths: ["functions/"],
    imports: ["engine", "ports", "requests", "dynamodb", "s3", "settings", "clock and queue", "metrics"],
  },
  engine: { paths: ["engine.ts"], imports: ["ports", "requests", "store", "dynamodb", "s3", "clock and queue", "metrics"] },
  ports: { paths: [""], imports: ["requests", "store", "dynamodb", "s3", "type metrics"] },
  store: { paths: ["dynamodb/store.ts"], imports: ["requests", "dynamodb", "type clock and queue"] },
  requests: { paths: ["requests/"], imports: ["dynamodb", "type store", "clock and queue"] },
  s3: { paths: ["s3/"], imports: ["settings", "clock and queue"] },
  settings: { paths: ["functions/settings.ts"], imports: ["dynamodb", "clock and queue"] },
  dynamodb: { paths: ["dynamodb/"], imports: ["type s3", "type metrics"] },
  "clock and queue": { paths: ["chance.ts", "clock.ts", "log.ts", "storage-errors.ts", "wakeups.ts"], imports: [] },
  metrics: { paths: ["functions/metrics.ts"], imports: [] },
};

const HANDLERS: Readonly<Record<string, Room>> = {
  index: { paths: ["index.ts", "create-handlers.ts", "apart.ts"], imports: ["generate-report", "process-data", "bulk-operation", "small"] },
  "generate-report": { paths: ["generate-report/"], imports: ["duckdb", "files", "small", "stages", "warnings"] },
  "process-data": { paths: ["process-data/"], imports: ["duckdb", "files", "small", "stages", "warnings"] },
  "bulk-operation": { paths: ["bulk-operation/"], imports: [] },
  warnings: { paths: ["warnings.ts"], imports: [] },
  stages: { paths: ["stages.ts"], imports: [] },
  duckdb: { paths: ["duckdb/"], imports: [] },
  files: { paths: ["files/"], imports: ["warnings"] },
  small: { paths: ["echo.ts", "health.ts", "json-record.ts"], imports: [] },
};

const CONTRACT: Readonly<Record<string, Room>> = {
  index: { paths: ["index.ts"], imports: ["ports", "flow", "wire", "harness"] },
  wire: { paths: ["wire/"], imports: ["flow", "harness"] },
  ports: { paths: ["ports/"], imports: ["flow", "harness"] },
  flow: { paths: ["flow/"], imports: ["harness"] },
  torture: { paths: ["torture/"], imports: [] },
  harness: { paths: [""], imports: [] },
};

/** By folder, longest first where one is inside another. Every workspace is here, and what stands beside them. */
export const PARTS: Readonly<Record<string, Part>> = {
  "packages/protocol": { imports: [], tests: ["contract"], anywhere: true, why: "protocol is what travels: no I/O, no dependencies." },
  "packages/core": {
    imports: ["protocol"],
    tests: ["contract"],
    anywhere: true,
    why: "core runs on any platform and never picks an engine; inside it, imports point downwards.",
    rooms: CORE,
  },
  "packages/contract": {
    imports: ["core", "protocol"],
    why: "contract says what any engine promises, and knows none.",
    rooms: CONTRACT,
  },
  "packages/auth": { imports: ["core", "protocol"], why: "auth serves both engines and knows neither." },
  "packages/embedded": {
    imports: ["auth", "core", "protocol"],
    tests: ["client", "contract"],
    why: "engines never meet, and never know a handler; inside one, rooms import as the table says.",
    rooms: EMBEDDED,
  },
  "packages/aws": {
    imports: ["auth", "core", "protocol"],
    tests: ["contract"],
    why: "engines never meet, and never know a handler; inside one, rooms import as the table says.",
    rooms: AWS,
  },
  "packages/models": {
    imports: ["type protocol#JsonObject"],
    why: "models learn from numbers, and take one type of Streamer: JsonObject.",
  },
  "packages/handlers": {
    imports: ["core", "models", "protocol"],
    tests: ["client", "embedded"],
    why: "a handler never names an engine, and none knows another.",
    rooms: HANDLERS,
  },
  "packages/client": {
    imports: ["protocol"],
    tests: ["client", "contract", "core", "embedded", "scripts"],
    anywhere: true,
    why: "the client runs in browsers and depends on protocol only.",
  },
  "packages/cli": {
    imports: ["auth", "aws-local", "client", "core", "embedded", "handlers", "protocol"],
    tests: ["contract", "scripts"],
    why: "the command line serves and asks; what runs in an account is infra's.",
  },
  "packages/cli/templates": { imports: ["client", "embedded"], why: "what init makes uses what any user would." },
  "tools/aws-local": {
    imports: ["auth"],
    tests: ["client", "contract", "core"],
    why: "aws-local runs bundles and a template, as AWS does: it knows no code of ours.",
  },
  "tools/mutation": { imports: ["scripts"], why: "mutation changes core and runs its tests from outside, and is part of none." },
  "tools/simulation": {
    imports: ["aws", "client", "core", "embedded", "protocol", "scripts"],
    tests: ["contract"],
    why: "the simulation drives core and its engines as they are, and is part of none.",
  },
  "tools/attack": {
    imports: ["auth", "protocol", "torture"],
    why: "an attack knows what any client knows, and starts what users start.",
  },
  "tools/outside": { imports: [], tests: ["scripts"], why: "strangers have what is published, and nothing else of ours." },
  "tools/outside/strangers": { imports: ["client", "core", "embedded"], why: "strangers use what any user would." },
  "tools/torture": {
    imports: ["aws-local", "client", "contract", "core", "embedded", "protocol", "scripts"],
    why: "torture breaks what users start, and hears what their clients hear.",
  },
  "apps/infra/src": {
    imports: ["auth/claims", "aws/settings", "aws/table"],
    why: "infra knows the tables and settings of the AWS engine; what it deploys is bundled, never imported.",
  },
  "apps/infra": {
    imports: ["aws/bucket", "aws/settings", "handlers", "apps/infra/src"],
    tests: ["aws/table"],
    why: "handlers.ts is what a deployment runs: handlers, and what they find on AWS.",
  },
  bench: {
    imports: ["aws-local", "client", "contract", "core", "embedded", "handlers", "models", "protocol", "scripts", "packages/models"],
    why: "a benchmark drives what users start.",
  },
  "examples/hello": { imports: ["client", "core", "embedded"], why: "an example uses what its readers would." },
  "examples/react": { imports: ["client", "embedded", "handlers"], tests: ["scripts"], why: "an example uses what its readers would." },
  "examples/plain-client": { imports: ["core", "embedded"], why: "a client without any library, and the server that start.ts has for it." },
  "clients/python": {
    imports: [],
    tests: ["core", "embedded", "protocol", "scripts", "examples/hello"],
    why: "the Python client has no TypeScript but its tests.",
  },
  scripts: { imports: [], tests: ["packages/contract"], why: "scripts serve the tree and use nothing of it." },
};
