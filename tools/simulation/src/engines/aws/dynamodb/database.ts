/**
 * The tables as the engine uses them: each call is done whole, at one moment. It knows the calls that packages/aws makes,
 * and answers as DynamoDB does; a call, an option or an expression that it does not know is an UnknownToModel.
 */
import type {
  BatchGetItemCommandInput,
  DeleteItemCommandInput,
  GetItemCommandInput,
  PutItemCommandInput,
  QueryCommandInput,
  TransactWriteItem,
  TransactWriteItemsCommandInput,
  UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { TABLES, type TableName } from "@streamer/aws";
import { checkPlaceholders, conditionOf, updateOf } from "./expressions.ts";
import { createTable, type Table, type TableParts } from "./table.ts";
import { UnknownToModel, type Item } from "./values.ts";

interface Written {
  readonly table: TableName;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

export interface Database {
  /** Does a call by the name of its command: `PutItemCommand` and so on. */
  execute(command: string, input: object): object;
  table(name: TableName): Table;
}

export interface DatabaseParts {
  /** Called at once, for each item that a call has written, after the whole call. */
  readonly onWritten: (written: Written) => void;
  readonly later: TableParts["later"];
}

interface Write {
  readonly name: TableName;
  readonly table: Table;
  readonly key: Item;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  readonly isAllowed: boolean;
  readonly returnsOld: boolean;
}

const NAMES = Object.keys(TABLES) as readonly TableName[];
/** Names of the tables: each is its own. */
export const TABLE_NAMES = Object.fromEntries(NAMES.map((name) => [name, name])) as Readonly<Record<TableName, string>>;

/** As the SDK throws it. */
export const serviceError = (name: string, more: object = {}): Error => Object.assign(new Error(name), { name, ...more });

type Options<Input> = Readonly<Record<keyof Input, true>>;
function known<Input extends object>(input: Input, options: Partial<Options<Input>>): void {
  for (const [option, value] of Object.entries(input))
    if (value !== undefined && !(option in options)) throw new UnknownToModel(`The option ${option} is not known.`);
}

const CONDITION = {
  TableName: true,
  ConditionExpression: true,
  ExpressionAttributeNames: true,
  ExpressionAttributeValues: true,
  ReturnValuesOnConditionCheckFailure: true,
} as const;

export function createDatabase({ onWritten, later }: DatabaseParts): Database {
  const tables = new Map<string, Table>(
    NAMES.map((name) => [name, createTable({ definition: TABLES[name], later: (item, apply) => later(`${name} ${item}`, apply) })]),
  );
  const tableOf = (name: string | undefined): { readonly name: TableName; readonly table: Table } => {
    const table = tables.get(name ?? "");
    if (!table) throw new UnknownToModel(`There is no table ${name}.`);
    return { name: name as TableName, table };
  };

  interface Conditioned {
    readonly TableName: string | undefined;
    readonly ConditionExpression?: string | undefined;
    readonly ExpressionAttributeNames?: Record<string, string> | undefined;
    readonly ExpressionAttributeValues?: Item | undefined;
    readonly ReturnValuesOnConditionCheckFailure?: string | undefined;
  }

  function plan(input: Conditioned, key: Item, updated: string | undefined, make: (before: Item | undefined) => Item | undefined): Write {
    const { name, table } = tableOf(input.TableName);
    const placeholders = { names: input.ExpressionAttributeNames, values: input.ExpressionAttributeValues };
    const { ConditionExpression: condition } = input;
    checkPlaceholders([condition, updated], placeholders);
    const before = table.get(key);
    const isAllowed = condition === undefined || conditionOf(condition)({ item: before ?? {}, ...placeholders });
    const returnsOld = input.ReturnValuesOnConditionCheckFailure === "ALL_OLD";
    return { name, table, key, before, after: isAllowed ? make(before) : before, isAllowed, returnsOld };
  }

  function planPut(input: NonNullable<TransactWriteItem["Put"]> | PutItemCommandInput): Write {
    known(input as PutItemCommandInput, { ...CONDITION, Item: true, ReturnValues: true });
    const { table } = tableOf(input.TableName);
    return plan(input, table.keyOf(input.Item!), undefined, () => input.Item!);
  }

  function planUpdate(input: NonNullable<TransactWriteItem["Update"]> | UpdateItemCommandInput): Write {
    known(input as UpdateItemCommandInput, { ...CONDITION, Key: true, UpdateExpression: true, ReturnValues: true });
    const { Key: key = {}, UpdateExpression: expression = "" } = input;
    const placeholders = { names: input.ExpressionAttributeNames, values: input.ExpressionAttributeValues };
    return plan(input, key, expression, (before) => updateOf(expression)({ item: before ?? key, ...placeholders }));
  }

  function planDelete(input: DeleteItemCommandInput): Write {
    known(input, { ...CONDITION, Key: true, ReturnValues: true });
    return plan(input, input.Key!, undefined, () => undefined);
  }

  function commit(writes: readonly Write[]): void {
    for (const { table, key, after } of writes) {
      if (after) table.put(after);
      else table.remove(key);
    }
    for (const { name, before, after } of writes) onWritten({ table: name, before, after });
  }

  const old = ({ before, returnsOld }: Write): object => (returnsOld && before ? { Item: before } : {});

  function one(write: Write): Write {
    if (!write.isAllowed) throw serviceError("ConditionalCheckFailedException", old(write));
    commit([write]);
    return write;
  }

  function transact({ TransactItems = [] }: TransactWriteItemsCommandInput): object {
    const writes = TransactItems.map(({ Put, Update, ...others }) => {
      if (Object.keys(others).length > 0) throw new UnknownToModel(`A transaction with ${Object.keys(others).join()} is not known.`);
      return Put ? planPut(Put) : planUpdate(Update!);
    });
    if (new Set(writes.map(({ name, table, key }) => `${name} ${table.nameOf(key)}`)).size < writes.length)
      throw new UnknownToModel("A transaction writes one item twice.");
    if (writes.every(({ isAllowed }) => isAllowed)) {
      commit(writes);
      return {};
    }
    const CancellationReasons = writes.map((write) =>
      write.isAllowed ? { Code: "None" } : { Code: "ConditionalCheckFailed", ...old(write) },
    );
    throw serviceError("TransactionCanceledException", { CancellationReasons });
  }

  function project(item: Item, expression: string | undefined, names: Readonly<Record<string, string>> = {}): Item {
    if (expression === undefined) return item;
    const wanted = expression.split(", ").map((alias) => names[alias] ?? alias);
    return Object.fromEntries(wanted.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));
  }

  function query(input: QueryCommandInput): object {
    known(input, {
      TableName: true,
      IndexName: true,
      KeyConditionExpression: true,
      ExpressionAttributeNames: true,
      ExpressionAttributeValues: true,
      ProjectionExpression: true,
      ExclusiveStartKey: true,
      ScanIndexForward: true,
      Limit: true,
      ConsistentRead: true,
      Select: true,
    });
    const { ExpressionAttributeNames: names, ExpressionAttributeValues: values, ProjectionExpression: projection } = input;
    checkPlaceholders([input.KeyConditionExpression, projection], { names, values });
    const { items, lastKey } = tableOf(input.TableName).table.query(input);
    const shown = input.Select === "COUNT" ? {} : { Items: items.map((item) => project(item, projection, names)) };
    return { Count: items.length, ...shown, ...(lastKey && { LastEvaluatedKey: lastKey }) };
  }

  function batchGet({ RequestItems = {} }: BatchGetItemCommandInput): object {
    const Responses = Object.fromEntries(
      Object.entries(RequestItems).map(([name, { Keys = [] }]) => {
        const { table } = tableOf(name);
        if (new Set(Keys.map(table.nameOf)).size < Keys.length) throw serviceError("ValidationException", { message: "Keys are doubled." });
        return [name, Keys.map(table.get).filter((item) => item !== undefined)];
      }),
    );
    return { Responses, UnprocessedKeys: {} };
  }

  const COMMANDS: Readonly<Record<string, (input: never) => object>> = {
    GetItemCommand: (input: GetItemCommandInput) => {
      known(input, { TableName: true, Key: true, ConsistentRead: true, ProjectionExpression: true, ExpressionAttributeNames: true });
      const item = tableOf(input.TableName).table.get(input.Key!);
      return item ? { Item: project(item, input.ProjectionExpression, input.ExpressionAttributeNames) } : {};
    },
    BatchGetItemCommand: batchGet,
    QueryCommand: query,
    PutItemCommand: (input: PutItemCommandInput) => {
      const { before } = one(planPut(input));
      return input.ReturnValues === "ALL_OLD" && before ? { Attributes: before } : {};
    },
    UpdateItemCommand: (input: UpdateItemCommandInput) => {
      const { after } = one(planUpdate(input));
      return input.ReturnValues === "ALL_NEW" ? { Attributes: after } : {};
    },
    DeleteItemCommand: (input: DeleteItemCommandInput) => {
      const { before } = one(planDelete(input));
      return input.ReturnValues === "ALL_OLD" && before ? { Attributes: before } : {};
    },
    TransactWriteItemsCommand: transact,
  };

  return {
    table: (name) => tables.get(name)!,
    execute: (command, input) => {
      const run = COMMANDS[command];
      if (!run) throw new UnknownToModel(`The call ${command} is not known.`);
      return run(input as never);
    },
  };
}
