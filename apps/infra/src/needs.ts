/**
 * What each function calls, and so what it may call: read beside packages/aws, where the calls are. Every action and
 * every table, index and prefix is named; where AWS itself knows nothing finer than a wildcard, permissions.ts says so.
 */
import type { TABLES, TableName } from "@streamer/aws/table";
import type { FunctionName } from "./functions.ts";

type IndexOf<Table extends TableName> = keyof (typeof TABLES)[Table]["indexes"];

export interface Needs {
  /** Actions on the items of a table. A transaction needs those of its parts. */
  readonly items?: Readonly<Partial<Record<TableName, readonly string[]>>>;
  /** Tables that are queried by their own key. */
  readonly queries?: readonly TableName[];
  readonly indexQueries?: { readonly [Table in TableName]?: readonly IndexOf<Table>[] };
  /** Actions on objects under blobs/ and values/. */
  readonly objects?: readonly string[];
  /** Lists them too: to delete those of a request, and to be told that an object is not there. */
  readonly listsObjects?: true;
  /** channels/: rows that clients append and runs read. */
  readonly keepsChannels?: true;
  /** data/: copies the files handlers read. */
  readonly readsData?: true;
  /** Sends to connections of this API and closes them. */
  readonly pushes?: true;
  /** Starts `work`. */
  readonly startsWork?: true;
  readonly takesFrom?: readonly QueueName[];
  /** By itself, or by Lambda in its name: what it could not do. */
  readonly sendsTo?: readonly QueueName[];
  /** Reads the stream of the requests table. */
  readonly readsStream?: true;
}
export type QueueName = "delay" | "failed" | "parked";

/** Any transition of a request may happen in each of the functions that know the handlers, and its events are told there. */
const ENGINE = {
  items: {
    requests: ["GetItem", "BatchGetItem", "PutItem", "UpdateItem"],
    events: ["PutItem"],
    connections: ["GetItem", "UpdateItem", "DeleteItem"],
    subscriptions: ["GetItem", "PutItem", "UpdateItem", "DeleteItem"],
    limits: ["GetItem", "BatchGetItem", "UpdateItem"],
  },
  queries: ["events", "subscriptions"],
  indexQueries: { requests: ["by_action", "by_time"], subscriptions: ["by_connection"] },
  // A link in a frame is signed by the function that sends it, and opens what that function may read.
  objects: ["GetObject", "PutObject"],
  sendsTo: ["delay"],
  pushes: true,
} as const satisfies Needs;

/** Handlers run here, store files as they go, and remove what was only passing through. */
const RUNS = {
  ...ENGINE,
  // Whoever finds no room is told when the oldest of its requests is forgotten.
  indexQueries: { ...ENGINE.indexQueries, requests: [...ENGINE.indexQueries.requests, "by_owner"] },
  objects: [...ENGINE.objects, "DeleteObject", "AbortMultipartUpload"],
  listsObjects: true,
  keepsChannels: true,
} as const satisfies Needs;

export const NEEDS: Readonly<Record<FunctionName, Needs>> = {
  connect: { items: { connections: ["PutItem", "BatchGetItem"], limits: ["GetItem", "UpdateItem"] }, sendsTo: ["delay"] },
  disconnect: {
    items: { connections: ["DeleteItem"], subscriptions: ["DeleteItem"], limits: ["UpdateItem"] },
    indexQueries: { subscriptions: ["by_connection"] },
  },
  message: RUNS,
  dispatch: { readsStream: true, startsWork: true, sendsTo: ["parked"] },
  work: { ...RUNS, readsData: true, sendsTo: ["delay", "failed"] },
  wake: { ...ENGINE, startsWork: true, takesFrom: ["delay", "failed"] },
  sweep: {
    ...ENGINE,
    items: {
      ...ENGINE.items,
      requests: [...ENGINE.items.requests, "DeleteItem"],
      events: [...ENGINE.items.events, "DeleteItem"],
      limits: [...ENGINE.items.limits, "DeleteItem"],
    },
    indexQueries: { ...ENGINE.indexQueries, connections: ["by_expiry"] },
    objects: [...ENGINE.objects, "DeleteObject"],
    listsObjects: true,
    startsWork: true,
  },
};
