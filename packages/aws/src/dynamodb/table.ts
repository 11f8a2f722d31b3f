/**
 * The tables: keys, indexes, expiry. The only file that spells the name of a key; rows.ts spells the other attributes.
 * The CDK app, the local run and the tests all create their tables from what is declared here.
 *
 *   requests       one item per request: state, counts, lease, newest progress, the events of its lifecycle
 *     by_action    waiting requests by their tags: what to choose from (requests/shares.ts)
 *     by_time      what has to be looked at when: runs at the end of their lease, ends that may be untold, waits at their
 *                  time, results at expiry
 *     by_owner     for `list`, newest first
 *   events         partials, which may be many: one item per write; old lifecycle events of a long history
 *   connections    who is at the other end
 *   subscriptions  which connections follow a request, how far each was told, and which process tells it
 *   limits         counts and slots that admission and concurrency are decided by; recorded run times
 *
 * Partition keys that many requests share carry a shard, so that no partition takes more than its part of the writes
 * (1,000 write units a second each: "Best practices for designing partition keys", DynamoDB Developer Guide).
 */

/** Shards of a shared partition key. More spread writes further; each is one more query for a claim or a sweep. */
export const SHARDS = 4;

type AttributeType = "S" | "N";
export interface KeySchema {
  readonly partition: readonly [name: string, type: AttributeType];
  readonly sort?: readonly [name: string, type: AttributeType];
}
export interface TableDefinition {
  readonly key: KeySchema;
  /** All project keys only: what is found is read from the table. */
  readonly indexes: Readonly<Record<string, KeySchema>>;
  /** Attribute that holds the second after which DynamoDB may delete the item. */
  readonly expiryAttribute: string;
  /** With a stream of new and old images. */
  readonly stream?: true;
}

export const TABLES = {
  requests: {
    key: { partition: ["pk", "S"] },
    indexes: {
      by_action: { partition: ["line", "S"], sort: ["line_order", "S"] },
      by_time: { partition: ["agenda", "S"], sort: ["agenda_at", "N"] },
      by_owner: { partition: ["owner", "S"], sort: ["listed", "S"] },
    },
    expiryAttribute: "ttl",
    stream: true,
  },
  events: { key: { partition: ["pk", "S"], sort: ["seq", "N"] }, indexes: {}, expiryAttribute: "ttl" },
  connections: {
    key: { partition: ["connection_id", "S"] },
    indexes: { by_expiry: { partition: ["expiry_shard", "S"], sort: ["expires_at", "N"] } },
    expiryAttribute: "ttl",
  },
  subscriptions: {
    key: { partition: ["pk", "S"], sort: ["connection_id", "S"] },
    indexes: { by_connection: { partition: ["connection_id", "S"], sort: ["pk", "S"] } },
    expiryAttribute: "ttl",
  },
  limits: { key: { partition: ["pk", "S"] }, indexes: {}, expiryAttribute: "ttl" },
} as const satisfies Record<string, TableDefinition>;

export type TableName = keyof typeof TABLES;
export type TableNames = Readonly<Record<TableName, string>>;

/** Attribute that a request has exactly while it can be run at once: what the stream's filter looks for. */
export const RUNNABLE_ATTRIBUTE = "runnable";

/**
 * Lets through only the stream records that make a request runnable, so that progress and ends invoke nothing. Items
 * that expire leave as REMOVE, which has no new image.
 */
export const RUNNABLE_FILTER = {
  eventName: ["INSERT", "MODIFY"],
  dynamodb: { NewImage: { [RUNNABLE_ATTRIBUTE]: { S: ["1"] } } },
} as const;
