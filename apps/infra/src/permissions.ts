/** The needs of a function as the statements of its role. */
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { TableName } from "@streamer/aws/table";
import { PREFIXES } from "./prefixes.ts";
import type { Needs, QueueName } from "./needs.ts";

export interface PermissionTargets {
  readonly tables: Readonly<Record<TableName, Table>>;
  readonly streamArn: string;
  readonly bucket: Bucket;
  readonly queues: Readonly<Record<QueueName, IQueue>>;
  /** Undefined for `work` itself, which starts none. */
  readonly workArn?: string;
  readonly connectionsArn: (method: "POST" | "GET" | "DELETE") => string;
}

/** Why a role names a wildcard, by the end of the resource it stands in. cdk-nag asks for each. */
export const WILDCARD_REASONS = {
  "@connections/*": "Connection ids are made by API Gateway; the right ends at the connections of this stage of this API.",
  "blobs/*": "Keys are made as requests come; the right ends at this prefix of this bucket.",
  "values/*": "Keys are made as requests come; the right ends at this prefix of this bucket.",
  "channels/*": "Keys are made as rows come; the right ends at this prefix of this bucket.",
  "data/*": "The user decides which files handlers read; the right ends at this prefix of this bucket.",
  "stream/*": "ListStreams is asked of all streams of a table; there is one.",
  ":*": "Log streams are named by Lambda; the right ends at the function's own log group.",
  "*": "X-Ray knows no resources: its writes cannot be narrowed.",
} as const;

export function statementsOf(needs: Needs, targets: PermissionTargets): readonly PolicyStatement[] {
  const { tables, streamArn, bucket, queues, workArn, connectionsArn } = targets;
  const { items = {}, queries = [], indexQueries = {}, objects = [], takesFrom = [], sendsTo = [] } = needs;
  const statements: PolicyStatement[] = [];
  const allow = (service: string, actions: readonly string[], resources: readonly string[], conditions?: Record<string, unknown>): void => {
    if (actions.length === 0 || resources.length === 0) return;
    statements.push(
      new PolicyStatement({
        actions: actions.map((action) => `${service}:${action}`),
        resources: [...resources],
        ...(conditions && { conditions }),
      }),
    );
  };
  const arnsOf = (names: readonly QueueName[]): readonly string[] => names.map((name) => queues[name].queueArn);
  const under = (...prefixes: readonly string[]): readonly string[] => prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`));

  for (const [name, actions] of Object.entries(items)) allow("dynamodb", actions, [tables[name as TableName].tableArn]);
  allow(
    "dynamodb",
    ["Query"],
    [
      ...queries.map((name) => tables[name].tableArn),
      ...Object.entries(indexQueries).flatMap(([name, indexes]) =>
        indexes.map((index) => `${tables[name as TableName].tableArn}/index/${index}`),
      ),
    ],
  );
  if (needs.readsStream) {
    allow("dynamodb", ["DescribeStream", "GetRecords", "GetShardIterator"], [streamArn]);
    allow("dynamodb", ["ListStreams"], [`${tables.requests.tableArn}/stream/*`]);
  }
  allow("s3", objects, under(PREFIXES.blobs, PREFIXES.values));
  if (needs.keepsChannels) allow("s3", ["GetObject", "PutObject", "DeleteObject"], under(PREFIXES.channels));
  if (needs.readsData) allow("s3", ["GetObject"], under(PREFIXES.data));
  const listed = [
    ...(needs.listsObjects ? [PREFIXES.blobs, PREFIXES.values] : []),
    ...(needs.keepsChannels ? [PREFIXES.channels] : []),
    ...(needs.readsData ? [PREFIXES.data] : []),
  ];
  if (listed.length > 0)
    allow("s3", ["ListBucket"], [bucket.bucketArn], { StringLike: { "s3:prefix": listed.map((prefix) => `${prefix}*`) } });
  allow("sqs", ["SendMessage"], arnsOf(sendsTo));
  allow("sqs", ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility"], arnsOf(takesFrom));
  if (needs.pushes) allow("execute-api", ["ManageConnections"], [connectionsArn("POST"), connectionsArn("DELETE")]);
  if (needs.startsWork && workArn !== undefined) allow("lambda", ["InvokeFunction"], [workArn]);
  return statements;
}
