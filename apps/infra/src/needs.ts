/**
 * What each function calls, and so what it may call: read beside packages/aws, where the calls are. Every action and
 * every table, index and prefix is named; where AWS itself knows nothing finer than a wildcard, permissions.ts says so.
 */
import type { TableName } from "@streamer/aws/table";
import type { FunctionName } from "./functions.ts";

export interface Needs {
  /** Actions on the items of a table. A transaction needs those of its parts. */
  readonly items: Readonly<Partial<Record<TableName, readonly string[]>>>;
  /** Tables that are queried by their own key. */
  readonly queries?: readonly TableName[];
  /** Tables that are queried by all their indexes. */
  readonly indexQueries?: readonly TableName[];
  /** blobs/ and values/: reads, writes and deletes objects. */
  readonly objects?: true;
  /** Lists them too: to delete what a request that expired left. */
  readonly listsObjects?: true;
  /** data/: copies the files handlers read. */
  readonly readsData?: true;
  /** Sends wakeups. */
  readonly wakes?: true;
  /** Sends to connections of this API and closes them. */
  readonly pushes?: true;
  /** Starts `work`. */
  readonly startsWork?: true;
  /** Takes from these queues. */
  readonly takes?: readonly ("delay" | "failed")[];
  /** Sends to these queues what it could not do; Lambda does, with the function's role. */
  readonly gives?: readonly ("failed" | "parked")[];
  /** Reads the stream of the requests table. */
  readonly readsStream?: true;
}

/** A handler may run, and any transition of a request may happen, in each of the functions that know the handlers. */
const ENGINE: Needs = {
  items: {
    requests: ["GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"],
    events: ["PutItem", "DeleteItem", "BatchWriteItem"],
    connections: ["GetItem", "UpdateItem", "DeleteItem"],
    subscriptions: ["GetItem", "PutItem", "UpdateItem", "DeleteItem"],
    limits: ["GetItem", "BatchGetItem", "UpdateItem"],
  },
  queries: ["events", "subscriptions"],
  indexQueries: ["requests", "subscriptions"],
  objects: true,
  wakes: true,
  pushes: true,
};

export const NEEDS: Readonly<Record<FunctionName, Needs>> = {
  connect: { items: { connections: ["PutItem"] }, wakes: true },
  disconnect: {
    items: { connections: ["GetItem", "DeleteItem"], subscriptions: ["DeleteItem"] },
    indexQueries: ["subscriptions"],
  },
  message: ENGINE,
  dispatch: { items: {}, readsStream: true, startsWork: true, gives: ["parked"] },
  work: { ...ENGINE, readsData: true, gives: ["failed"] },
  wake: { ...ENGINE, startsWork: true, takes: ["delay", "failed"] },
  sweep: {
    ...ENGINE,
    indexQueries: ["requests", "subscriptions", "connections"],
    listsObjects: true,
    startsWork: true,
  },
};
