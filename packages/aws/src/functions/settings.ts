/** What the functions are told by their environment. Read once, at the edge; everything inside is handed its part. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PartialOptions } from "@streamer/core";
import { isLogLevel, type LogLevel } from "../log.ts";
import { TABLES, type TableName, type TableNames } from "../dynamodb/table.ts";

/** Environment variable of each setting. The CDK app sets those a function needs. */
export const VARIABLES = {
  requests: "STREAMER_REQUESTS_TABLE",
  events: "STREAMER_EVENTS_TABLE",
  connections: "STREAMER_CONNECTIONS_TABLE",
  subscriptions: "STREAMER_SUBSCRIPTIONS_TABLE",
  limits: "STREAMER_LIMITS_TABLE",
  bucket: "STREAMER_BUCKET",
  delayQueueUrl: "STREAMER_DELAY_QUEUE_URL",
  workFunction: "STREAMER_WORK_FUNCTION",
  pushEndpoint: "STREAMER_PUSH_ENDPOINT",
  epoch: "STREAMER_EPOCH",
  /** JSON of core's PartialOptions. */
  options: "STREAMER_OPTIONS",
  /** One of three: whose tokens are accepted. */
  jwks: "STREAMER_JWKS_URL",
  publicKey: "STREAMER_PUBLIC_KEY",
  /** What tokens must name, with commas where several will do. */
  issuer: "STREAMER_ISSUER",
  audience: "STREAMER_AUDIENCE",
  /** JSON of auth's ClaimMapping. */
  claims: "STREAMER_CLAIMS",
  /** Exact browser origins, with commas. */
  allowedOrigins: "STREAMER_ALLOWED_ORIGINS",
  /** What CloudFront shows where it stands in front, with commas; without it anybody may connect and is looked at. */
  edgeSecrets: "STREAMER_EDGE_SECRETS",
  /** How many connections each user may have. */
  connectionsPerUser: "STREAMER_CONNECTIONS_PER_USER",
  /** Prefix in the bucket whose files the handlers read, copied to DATA_FOLDER when a function starts. */
  dataPrefix: "STREAMER_DATA_PREFIX",
  logLevel: "STREAMER_LOG_LEVEL",
} as const;

/** Header in which CloudFront shows its secret; it replaces what a client has put there. */
export const EDGE_HEADER = "x-streamer-edge";

/** Where the files under the data prefix are found by handlers: on Lambda in /tmp, the only writable folder. */
export const DATA_FOLDER = join(tmpdir(), "streamer-data");

/** What every function that serves requests is told. */
export interface Environment {
  readonly tables: TableNames;
  /** Bucket of files and of values too large for an item. */
  readonly bucket: string;
  /** SQS queue whose messages wait up to 15 minutes: wakeups. */
  readonly delayQueueUrl: string;
  /** `https://{api}.execute-api.{region}.amazonaws.com/{stage}` */
  readonly pushEndpoint: string;
  /** Names the store: changes when its tables are made anew. */
  readonly epoch: string;
  readonly options: PartialOptions;
  readonly logLevel: LogLevel;
  readonly functionName: string;
  /** Buckets are addressed by path: where S3 is not AWS's own. */
  readonly pathStyle: boolean;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** The value of a variable; a function without it was deployed wrongly, and says so at its start. */
export function required(variables: Variables, name: string): string {
  const value = variables[name];
  if (value === undefined || value === "") throw new Error(`The environment variable ${name} is not set: deploy the stack again.`);
  return value;
}

/** A table's name. Functions that use only some of the tables are told only those. */
export const tableName = (variables: Variables, table: TableName): string => required(variables, VARIABLES[table]);

export function readEnvironment(variables: Variables): Environment {
  const level = variables[VARIABLES.logLevel];
  const tables = Object.keys(TABLES) as TableName[];
  return {
    tables: Object.fromEntries(tables.map((table) => [table, tableName(variables, table)])) as TableNames,
    bucket: required(variables, VARIABLES.bucket),
    delayQueueUrl: required(variables, VARIABLES.delayQueueUrl),
    pushEndpoint: required(variables, VARIABLES.pushEndpoint),
    // A stream's ARN is longer than an epoch may be, and its end tells streams apart.
    epoch: required(variables, VARIABLES.epoch).slice(-128),
    options: JSON.parse(variables[VARIABLES.options] ?? "{}") as PartialOptions,
    logLevel: isLogLevel(level) ? level : "info",
    functionName: variables["AWS_LAMBDA_FUNCTION_NAME"] ?? "streamer",
    pathStyle: variables["AWS_ENDPOINT_URL_S3"] !== undefined,
  };
}
