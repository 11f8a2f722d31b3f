/**
 * Idempotency keys (P4): an item beside the requests that says which request a key stands for. It goes with its request;
 * should nobody come to forget that, by itself.
 */
import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { Owner, RequestKey } from "@streamer/core";
import { toAttributes } from "../dynamodb/items.ts";
import { hashOf, ownerKey } from "../dynamodb/keys.ts";
import { leftoverTtl, type RequestRow } from "./rows.ts";

export interface KeyItem {
  readonly pk: string;
  readonly request: RequestKey;
  readonly life: string;
  readonly ttl: number;
}

export const idempotencyPk = (owner: Owner, key: string): string => `key#${hashOf(`${ownerKey(owner)}/${key}`)}`;

/** The key stands for `row`, if it still stands for what `item` says. */
export function putKey(table: string, place: { readonly pk: string; readonly item?: KeyItem }, row: RequestRow): TransactWriteItem {
  const { pk, item } = place;
  return {
    Put: {
      TableName: table,
      Item: toAttributes({ pk, request: row.key, life: row.life, ttl: leftoverTtl(row, row.created_at) } satisfies KeyItem),
      ConditionExpression: item ? "life = :life" : "attribute_not_exists(pk)",
      ...(item && { ExpressionAttributeValues: toAttributes({ ":life": item.life }) }),
    },
  };
}
