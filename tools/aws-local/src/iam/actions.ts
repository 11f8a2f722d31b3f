/** Which actions on which resources a request needs: one entry for each, all of them must be allowed. */
import type { Environment } from "../assembly/intrinsics.ts";
import type { Access } from "./policies.ts";

interface ItemTarget {
  readonly TableName?: string;
}
interface DynamoRequest extends ItemTarget {
  readonly IndexName?: string;
  readonly RequestItems?: Readonly<Record<string, unknown>>;
  readonly TransactItems?: readonly Readonly<Record<string, ItemTarget>>[];
}
/** Actions of the parts of a transaction: it needs those, and none of its own. */
const TRANSACTION_ACTIONS: Readonly<Record<string, string>> = {
  Put: "PutItem",
  Update: "UpdateItem",
  Delete: "DeleteItem",
  ConditionCheck: "ConditionCheckItem",
  Get: "GetItem",
};

export function dynamodbAccess({ region, account, partition }: Environment, operation: string, request: DynamoRequest): readonly Access[] {
  const table = (name: string | undefined): string =>
    name?.startsWith("arn:") ? name : `arn:${partition}:dynamodb:${region}:${account}:table/${name ?? "*"}`;
  if (request.TransactItems) {
    return request.TransactItems.flatMap((item) =>
      Object.entries(item).map(([kind, target]) => ({
        action: `dynamodb:${TRANSACTION_ACTIONS[kind] ?? kind}`,
        resource: table(target.TableName),
      })),
    );
  }
  const tables = request.RequestItems ? Object.keys(request.RequestItems).map(table) : [table(request.TableName)];
  const suffix = request.IndexName === undefined ? "" : `/index/${request.IndexName}`;
  return tables.map((resource) => ({ action: `dynamodb:${operation}`, resource: resource + suffix }));
}

const S3_OBJECT_ACTIONS: Readonly<Record<string, string>> = {
  GET: "GetObject",
  HEAD: "GetObject",
  PUT: "PutObject",
  POST: "PutObject",
  DELETE: "DeleteObject",
};

/** `bodyKeys`: of a DeleteObjects request. */
export function s3Access({ partition }: Environment, method: string, url: URL, bodyKeys: readonly string[] = []): readonly Access[] {
  const [, bucket = "", ...rest] = url.pathname.split("/");
  const key = decodeURIComponent(rest.join("/"));
  const bucketArn = `arn:${partition}:s3:::${bucket}`;
  const object = (action: string, name = key): Access => ({ action: `s3:${action}`, resource: `${bucketArn}/${name}` });
  const query = url.searchParams;
  if (key === "") {
    if (query.has("delete")) return bodyKeys.map((name) => object("DeleteObject", name));
    if (query.has("uploads")) return [{ action: "s3:ListBucketMultipartUploads", resource: bucketArn }];
    return [{ action: "s3:ListBucket", resource: bucketArn, context: { "s3:prefix": query.get("prefix") ?? "" } }];
  }
  if (query.has("uploadId") && method === "DELETE") return [object("AbortMultipartUpload")];
  if (query.has("uploadId") && method === "GET") return [object("ListMultipartUploadParts")];
  return [object(S3_OBJECT_ACTIONS[method] ?? method)];
}

const SQS_ACTIONS: Readonly<Record<string, string>> = {
  SendMessageBatch: "SendMessage",
  DeleteMessageBatch: "DeleteMessage",
  ChangeMessageVisibilityBatch: "ChangeMessageVisibility",
};

export const sqsAccess = (operation: string, queueArn: string): readonly Access[] => [
  { action: `sqs:${SQS_ACTIONS[operation] ?? operation}`, resource: queueArn },
];

export const invokeAccess = (functionArn: string): readonly Access[] => [{ action: "lambda:InvokeFunction", resource: functionArn }];

export function pushAccess({ region, account, partition }: Environment, path: string, method: string): readonly Access[] {
  const [apiId, stage, ...rest] = path.split("/");
  return [
    {
      action: "execute-api:ManageConnections",
      resource: `arn:${partition}:execute-api:${region}:${account}:${apiId}/${stage}/${method}/${rest.join("/")}`,
    },
  ];
}
