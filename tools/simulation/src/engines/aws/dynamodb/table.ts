/**
 * One table and its indexes. An index is read as it was a while ago, by as much as its lag says; the table itself as it is.
 * Items are never changed in place.
 */
import type { AttributeValue, QueryCommandInput } from "@aws-sdk/client-dynamodb";
import type { TableDefinition } from "@streamer/aws";
import { conditionOf, type Placeholders } from "./expressions.ts";
import { order, UnknownToModel, type Item } from "./values.ts";

type KeySchema = TableDefinition["key"];

interface Page {
  readonly items: readonly Item[];
  readonly lastKey: Item | undefined;
}

export interface Table {
  get(key: Item): Item | undefined;
  put(item: Item): void;
  remove(key: Item): void;
  query(input: QueryCommandInput): Page;
  /** Of an item or a key: the same text for the same item. */
  nameOf(key: Item): string;
  keyOf(item: Item): Item;
  all(): Iterable<Item>;
}

export interface TableParts {
  readonly definition: TableDefinition;
  /** Has the change of an index done now or later; those of one item stay in order. */
  readonly later: (itemName: string, apply: () => void) => void;
}

const textOf = (value: AttributeValue | undefined): string => value?.S ?? value?.N ?? "";
/** Names and types of the attributes of a key. */
const attributesOf = ({ partition, sort }: KeySchema): readonly (readonly [name: string, type: "S" | "N"])[] =>
  sort ? [partition, sort] : [partition];
const PARTITION = /^([#\w]+) = (:\w+)(?: AND (.+))?$/;

/** Items in groups by their partition key, as an index or the table itself has them. */
class Partitions {
  readonly #schema: KeySchema;
  readonly #groups = new Map<string, Map<string, Item>>();
  readonly #groupOf = new Map<string, string>();

  constructor(schema: KeySchema) {
    this.#schema = schema;
  }

  set(name: string, item: Item | undefined): void {
    const before = this.#groupOf.get(name);
    if (before !== undefined) {
      this.#groups.get(before)!.delete(name);
      this.#groupOf.delete(name);
    }
    // Without all of its key an index does not have the item.
    if (!item || attributesOf(this.#schema).some(([attribute]) => item[attribute] === undefined)) return;
    const partition = textOf(item[this.#schema.partition[0]]);
    const group = this.#groups.get(partition) ?? new Map<string, Item>();
    this.#groups.set(partition, group.set(name, item));
    this.#groupOf.set(name, partition);
  }

  /** Those of one partition by their sort key; equal ones by the table's key. */
  sorted(partition: string): readonly (readonly [name: string, item: Item])[] {
    return Array.from(this.#groups.get(partition) ?? []).toSorted(
      ([nameA, a], [nameB, b]) => this.compare(a, b) || (nameA < nameB ? -1 : 1),
    );
  }

  compare(a: Item, b: Item): number {
    const [sort] = this.#schema.sort ?? [];
    return sort === undefined ? 0 : (order(a[sort], b[sort]) ?? 0);
  }
}

export function createTable({ definition, later }: TableParts): Table {
  const { key: schema } = definition;
  const items = new Map<string, Item>();
  const partitions = new Partitions(schema);
  const indexes = new Map(Object.entries(definition.indexes).map(([name, index]) => [name, { index, partitions: new Partitions(index) }]));

  const pick = (item: Item, names: readonly string[]): Item => Object.fromEntries(names.map((name) => [name, item[name]!]));
  const keyNames = attributesOf(schema).map(([name]) => name);
  const keyOf = (item: Item): Item => pick(item, keyNames);
  const nameOf = (key: Item): string => keyNames.map((name) => textOf(key[name])).join("\n");

  function check(item: Item): void {
    for (const [name, type] of [schema, ...Object.values(definition.indexes)].flatMap(attributesOf)) {
      const value = item[name];
      const isKey = keyNames.includes(name);
      if (value === undefined ? isKey : value[type] === undefined || value[type] === "")
        throw new UnknownToModel(`${name} is a key, and ${JSON.stringify(value)} no value for it.`);
    }
  }

  function change(name: string, item: Item | undefined): void {
    if (item) items.set(name, item);
    else items.delete(name);
    partitions.set(name, item);
    for (const { index, partitions: entries } of indexes.values()) {
      const projected = item && Object.fromEntries(Object.entries(item).filter(([attribute]) => isKeyOf(index, attribute)));
      later(name, () => entries.set(name, projected));
    }
  }

  const isKeyOf = (index: KeySchema, attribute: string): boolean =>
    keyNames.includes(attribute) || attributesOf(index).some(([name]) => name === attribute);

  function sourceOf(indexName: string | undefined): { readonly from: Partitions; readonly of: KeySchema } {
    if (indexName === undefined) return { from: partitions, of: schema };
    const found = indexes.get(indexName);
    if (!found) throw new UnknownToModel(`There is no index ${indexName}.`);
    return { from: found.partitions, of: found.index };
  }

  return {
    nameOf,
    keyOf,
    all: () => items.values(),
    get: (key) => items.get(nameOf(key)),
    put: (item) => {
      check(item);
      change(nameOf(item), item);
    },
    remove: (key) => change(nameOf(key), undefined),
    query: (input) => {
      const { IndexName, KeyConditionExpression = "", ExclusiveStartKey: start, Limit = Infinity, ScanIndexForward = true } = input;
      const { from, of } = sourceOf(IndexName);
      const placeholders: Placeholders = { names: input.ExpressionAttributeNames, values: input.ExpressionAttributeValues };
      const [, partitionName = "", value = "", rest] = PARTITION.exec(KeyConditionExpression) ?? [];
      const attribute = placeholders.names?.[partitionName] ?? partitionName;
      if (attribute !== of.partition[0]) throw new UnknownToModel(`"${KeyConditionExpression}" does not begin with the partition key.`);
      const condition = rest === undefined ? () => true : conditionOf(rest);
      const forward = from.sorted(textOf(placeholders.values?.[value]));
      const ordered = ScanIndexForward ? forward : forward.toReversed();
      const isAfter = (name: string, item: Item): boolean => {
        if (!start) return true;
        const compared = from.compare(item, start) || (name === nameOf(start) ? 0 : name < nameOf(start) ? -1 : 1);
        return ScanIndexForward ? compared > 0 : compared < 0;
      };
      const matching = ordered.filter(([name, item]) => isAfter(name, item) && condition({ ...placeholders, item }));
      const page = matching.slice(0, Limit).map(([, item]) => item);
      const last = page.at(-1);
      const names = Array.from(new Set([...keyNames, ...attributesOf(of).map(([name]) => name)]));
      // DynamoDB says that there may be more whenever it stopped at the limit.
      return { items: page, lastKey: last && page.length === Limit ? pick(last, names) : undefined };
    },
  };
}
