/**
 * Items of one table by plain objects: reads that see every finished write, writes under a condition, and what another
 * write left when the condition did not hold. Throttling and lost connections are retried by the SDK.
 */
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type AttributeValue,
  type BatchGetItemCommandOutput,
  type DynamoDBClient,
  type QueryCommandOutput,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall, type NativeAttributeValue } from "@aws-sdk/util-dynamodb";

type Item = Readonly<Record<string, NativeAttributeValue>>;

const OPTIONS = { removeUndefinedValues: true } as const;
export const toAttributes = (item: object): Record<string, AttributeValue> => marshall(item, OPTIONS);
// oxlint-disable-next-line no-unnecessary-type-parameters -- the shape is what the table was written with
export const toItem = <T>(attributes: Record<string, AttributeValue>): T => unmarshall(attributes) as T;

interface Query {
  readonly index?: string;
  /** Expression over `:name` values. */
  readonly where: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values: Item;
  readonly descending?: boolean;
  readonly limit?: number;
  readonly consistent?: boolean;
  /** Only these attributes. */
  readonly attributes?: readonly string[];
  /** The keys of the item it goes on after, as the table or index has them. */
  readonly after?: Item;
}

interface Update {
  readonly set: string;
  readonly condition?: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Item;
}

export interface Items {
  readonly table: string;
  /** With `attributes`, only those of it. */
  get<T>(key: Item, attributes?: readonly string[]): Promise<T | undefined>;
  put(item: object): Promise<void>;
  /** Puts, and answers what was there before. */
  replace<T>(item: object): Promise<T | undefined>;
  /** The item after the update; `undefined` when the condition did not hold. */
  update<T>(key: Item, update: Update): Promise<T | undefined>;
  /** Removes, and answers what was there. */
  pull<T>(key: Item): Promise<T | undefined>;
  remove(key: Item, condition?: { readonly expression: string; readonly values?: Item | undefined }): Promise<boolean>;
  /** The first `limit`: nothing is read without a bound, whatever there is. */
  query<T>(query: Query & { readonly limit: number }): Promise<readonly T[]>;
  /** All that match, `limit` at a time: for what may be more than is held at once. */
  pages<T>(query: Query & { readonly limit: number }): AsyncIterable<readonly T[]>;
  /** How many match, up to `limit` and less than a page more. */
  count(query: Query & { readonly limit: number }): Promise<number>;
  /** Those that are there, in no order. */
  getAll<T>(keys: readonly Item[]): Promise<readonly T[]>;
}

/** Names of attributes may be words of DynamoDB's own. */
function projection(attributes: readonly string[]) {
  const names = attributes.map((name, at) => [`#attribute${at}`, name] as const);
  return { ProjectionExpression: names.map(([alias]) => alias).join(", "), names: Object.fromEntries(names) };
}

const isConditionFailed = (error: unknown): boolean => error instanceof Error && error.name === "ConditionalCheckFailedException";
/** Keys that one BatchGetItem takes. */
const BATCH = 100;

export function createItems(client: DynamoDBClient, table: string): Items {
  const asQuery = ({ index, where, names, values, descending, limit, consistent, attributes, after }: Query) => ({
    TableName: table,
    KeyConditionExpression: where,
    ExpressionAttributeValues: toAttributes(values),
    ...((names || attributes) && { ExpressionAttributeNames: { ...names, ...(attributes && projection(attributes).names) } }),
    ...(attributes && { ProjectionExpression: projection(attributes).ProjectionExpression }),
    ...(after && { ExclusiveStartKey: toAttributes(after) }),
    ...(index !== undefined && { IndexName: index }),
    ...(descending && { ScanIndexForward: false }),
    ...(limit !== undefined && { Limit: limit }),
    ...(consistent && { ConsistentRead: true }),
  });

  async function batch<T>(keys: readonly Item[]): Promise<readonly T[]> {
    const found: T[] = [];
    let wanted: Record<string, { Keys: Record<string, AttributeValue>[]; ConsistentRead: true }> | undefined = {
      [table]: { Keys: keys.map(toAttributes), ConsistentRead: true },
    };
    while (wanted && Object.keys(wanted).length > 0) {
      const answer: BatchGetItemCommandOutput = await client.send(new BatchGetItemCommand({ RequestItems: wanted }));
      found.push(...(answer.Responses?.[table] ?? []).map((attributes) => toItem<T>(attributes)));
      wanted = answer.UnprocessedKeys as typeof wanted;
    }
    return found;
  }

  return {
    table,
    get: async <T>(key: Item, attributes?: readonly string[]) => {
      const { ProjectionExpression, names } = attributes ? projection(attributes) : {};
      const only = names && { ProjectionExpression, ExpressionAttributeNames: names };
      const input = { TableName: table, Key: toAttributes(key), ConsistentRead: true, ...only };
      const { Item: found } = await client.send(new GetItemCommand(input));
      return found && toItem<T>(found);
    },
    put: async (item) => void (await client.send(new PutItemCommand({ TableName: table, Item: toAttributes(item) }))),
    replace: async <T>(item: object) => {
      const input = { TableName: table, Item: toAttributes(item), ReturnValues: "ALL_OLD" } as const;
      const { Attributes } = await client.send(new PutItemCommand(input));
      return Attributes && toItem<T>(Attributes);
    },
    update: async <T>(key: Item, { set, condition, names, values }: Update) => {
      const input: UpdateItemCommandInput = {
        TableName: table,
        Key: toAttributes(key),
        UpdateExpression: set,
        ReturnValues: "ALL_NEW",
        ...(condition !== undefined && { ConditionExpression: condition }),
        ...(names && { ExpressionAttributeNames: names }),
        ...(values && { ExpressionAttributeValues: toAttributes(values) }),
      };
      try {
        const { Attributes } = await client.send(new UpdateItemCommand(input));
        return toItem<T>(Attributes ?? {});
      } catch (error) {
        if (isConditionFailed(error)) return undefined;
        throw error;
      }
    },
    pull: async <T>(key: Item) => {
      const input = { TableName: table, Key: toAttributes(key), ReturnValues: "ALL_OLD" } as const;
      const { Attributes } = await client.send(new DeleteItemCommand(input));
      return Attributes && toItem<T>(Attributes);
    },
    remove: async (key, condition) => {
      try {
        await client.send(
          new DeleteItemCommand({
            TableName: table,
            Key: toAttributes(key),
            ...(condition && { ConditionExpression: condition.expression }),
            ...(condition?.values && { ExpressionAttributeValues: toAttributes(condition.values) }),
          }),
        );
        return true;
      } catch (error) {
        if (isConditionFailed(error)) return false;
        throw error;
      }
    },
    query: async <T>(query: Query & { readonly limit: number }) => {
      const found: T[] = [];
      let from: Record<string, AttributeValue> | undefined;
      do {
        const page: QueryCommandOutput = await client.send(
          new QueryCommand({ ...asQuery(query), ...(from && { ExclusiveStartKey: from }) }),
        );
        found.push(...(page.Items ?? []).map((attributes) => toItem<T>(attributes)));
        from = page.LastEvaluatedKey;
      } while (from && found.length < query.limit);
      return found.slice(0, query.limit);
    },
    pages: async function* <T>(query: Query) {
      let from: Record<string, AttributeValue> | undefined;
      do {
        const page: QueryCommandOutput = await client.send(
          new QueryCommand({ ...asQuery(query), ...(from && { ExclusiveStartKey: from }) }),
        );
        const found = (page.Items ?? []).map((attributes) => toItem<T>(attributes));
        if (found.length > 0) yield found;
        from = page.LastEvaluatedKey;
      } while (from);
    },
    count: async (query) => {
      let count = 0;
      let from: Record<string, AttributeValue> | undefined;
      do {
        const page: QueryCommandOutput = await client.send(
          new QueryCommand({ ...asQuery(query), Select: "COUNT", ...(from && { ExclusiveStartKey: from }) }),
        );
        count += page.Count ?? 0;
        from = page.LastEvaluatedKey;
      } while (from && count < query.limit);
      return count;
    },
    getAll: async <T>(keys: readonly Item[]) => {
      const pages: Promise<readonly T[]>[] = [];
      for (let at = 0; at < keys.length; at += BATCH) pages.push(batch<T>(keys.slice(at, at + BATCH)));
      return (await Promise.all(pages)).flat();
    },
  };
}
