/** What each function is told by its environment: the variables packages/aws/src/settings.ts names. */
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { VARIABLES } from "@streamer/aws/settings";
import type { TableName } from "@streamer/aws/table";
import type { Configuration } from "./configuration.ts";
import { PREFIXES } from "./constructs/files.ts";
import type { FunctionName } from "./functions.ts";

const DAY_MS = 86_400_000;

export interface EnvironmentTargets {
  readonly tables: Readonly<Record<TableName, Table>>;
  readonly bucketName: string;
  readonly delayQueueUrl: string;
  readonly pushEndpoint: string;
  readonly epoch: string;
  /** Undefined for `work` itself, whose alias can only be made after it. */
  readonly workArn?: string;
}

export function environmentOf(
  name: FunctionName,
  targets: EnvironmentTargets,
  configuration: Configuration,
): Readonly<Record<string, string>> {
  const { tables, bucketName, delayQueueUrl, pushEndpoint, epoch, workArn } = targets;
  const { options, retentionDays, jwksUrl, publicKey, issuer, audience, allowedOrigins, logLevel } = configuration;
  const values: Partial<Record<keyof typeof VARIABLES, string | undefined>> = {
    ...Object.fromEntries(Object.entries(tables).map(([table, { tableName }]) => [table, tableName])),
    bucket: bucketName,
    delayQueueUrl,
    workFunction: workArn,
    pushEndpoint,
    epoch,
    options: JSON.stringify({ ...options, retentionMs: retentionDays * DAY_MS }),
    // Tokens are checked where a connection is made; a message only asks whether its connection's has expired.
    ...(name === "connect" && {
      jwks: jwksUrl,
      publicKey,
      issuer,
      audience,
      allowedOrigins: allowedOrigins.length > 0 ? allowedOrigins.join(",") : undefined,
    }),
    ...(name === "work" && { dataPrefix: PREFIXES.data }),
    logLevel,
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[VARIABLES[key as keyof typeof VARIABLES], value]])),
  );
}
