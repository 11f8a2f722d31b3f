/** What each function is told by its environment: the variables packages/aws/src/functions/settings.ts names. */
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { VARIABLES } from "@streamer/aws/settings";
import type { TableName } from "@streamer/aws/table";
import type { Configuration } from "./configuration.ts";
import { PREFIXES } from "./prefixes.ts";
import type { FunctionName } from "./functions.ts";

const DAY_MS = 86_400_000;

export interface EnvironmentTargets {
  readonly tables: Readonly<Record<TableName, Table>>;
  readonly bucketName: string;
  readonly delayQueueUrl: string;
  readonly pushEndpoint: string;
  readonly epoch: string;
  /** Where CloudFront stands in front. */
  readonly edgeSecrets?: string;
  /** Undefined for `work` itself, whose alias can only be made after it. */
  readonly workArn?: string;
}

type Setting = keyof typeof VARIABLES;

/** What the functions that serve requests read as they load. */
const ENGINE: readonly Setting[] = [
  "requests",
  "events",
  "connections",
  "subscriptions",
  "limits",
  "bucket",
  "delayQueueUrl",
  "pushEndpoint",
  "epoch",
  "options",
  "logLevel",
];
/** Tokens are checked where a connection is made; a message only asks whether its connection's has expired. */
const TOKENS: readonly Setting[] = ["jwks", "publicKey", "issuer", "audience", "claims", "allowedOrigins"];

const SETTINGS: Readonly<Record<FunctionName, readonly Setting[]>> = {
  connect: ["connections", "limits", "connectionsPerUser", "delayQueueUrl", "edgeSecrets", ...TOKENS],
  disconnect: ["connections", "subscriptions", "limits"],
  message: ENGINE,
  dispatch: ["workFunction"],
  work: [...ENGINE, "dataPrefix"],
  wake: [...ENGINE, "workFunction"],
  sweep: [...ENGINE, "workFunction", "jwks"],
};

export function environmentOf(
  name: FunctionName,
  targets: EnvironmentTargets,
  configuration: Configuration,
): Readonly<Record<string, string>> {
  const { tables, bucketName, delayQueueUrl, pushEndpoint, epoch, edgeSecrets, workArn } = targets;
  const {
    options,
    retentionDays,
    jwksUrl,
    publicKey,
    issuer,
    audience,
    claims,
    allowedOrigins,
    connectionsPerUser,
    throttleRate,
    logLevel,
  } = configuration;
  const values: Readonly<Record<Setting, string | undefined>> = {
    requests: tables.requests.tableName,
    events: tables.events.tableName,
    connections: tables.connections.tableName,
    subscriptions: tables.subscriptions.tableName,
    limits: tables.limits.tableName,
    bucket: bucketName,
    delayQueueUrl,
    workFunction: workArn,
    pushEndpoint,
    epoch,
    options: JSON.stringify({
      ...options,
      retentionMs: retentionDays * DAY_MS,
      admission: { ...partOf(throttleRate), ...(options["admission"] as object | undefined) },
    }),
    jwks: jwksUrl,
    publicKey,
    issuer,
    audience,
    claims: claims && JSON.stringify(claims),
    allowedOrigins: allowedOrigins.length > 0 ? allowedOrigins.join(",") : undefined,
    edgeSecrets,
    connectionsPerUser: String(connectionsPerUser),
    dataPrefix: PREFIXES.data,
    logLevel,
  };
  return Object.fromEntries(
    SETTINGS[name].flatMap((setting) => {
      const value = values[setting];
      return value === undefined ? [] : [[VARIABLES[setting], value]];
    }),
  );
}

/** Messages a second of one user: a quarter of what all may send together. */
function partOf(throttleRate: number) {
  const perSecond = Math.ceil(throttleRate / 4);
  return { messagesPerSecond: perSecond, messagesPerSecondPerUser: perSecond };
}
