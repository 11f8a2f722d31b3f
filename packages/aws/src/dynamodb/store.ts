/**
 * Changes of requests. Each verb is a function from the row there is to the row there shall be, and one conditional
 * write makes it so: the condition is the row's revision, so whatever the function decided (a lease held, a status, a
 * seq given out) still holds at the moment of the write. Another writer's row comes back with the refusal, and the
 * function decides again. A write whose answer was lost is recognised by the name it left in the row.
 *
 * A row that this process holds the lease of is remembered: the next write under that lease needs no read, so an
 * `advance` is one UpdateItem. What is remembered may be old (a frozen process, an invocation that failed): a write made
 * from it is refused then, and nothing is answered from it without a write.
 */
import {
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import { StreamerError, type Clock, type Owner, type RequestKey } from "@streamer/core";
import type { Chance } from "../chance.ts";
import { toAttributes, toItem, type Items } from "./items.ts";
import { partitionKey } from "./keys.ts";
import type { Limits } from "../requests/limits.ts";
import { countedIn, withCount } from "../requests/row-bytes.ts";
import { indexKeys, type RequestRow } from "../requests/rows.ts";
import type { Stored } from "../requests/stored.ts";
import type { Values } from "./values.ts";

/** What a verb wants: `next` to be written (nothing when absent), `also` with it or not at all, and its answer. */
export interface Change<T> {
  readonly next?: RequestRow;
  readonly also?: readonly TransactWriteItem[];
  /** Bytes of `next` that are counted for its user already. */
  readonly reserved?: number;
  readonly answer: T;
}
type Decide<T> = (row: RequestRow | undefined) => Change<T> | Promise<Change<T>>;

export interface Store {
  /** Names this process in the leases it takes. */
  readonly processId: () => string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly requests: Items;
  readonly events: Items;
  readonly limits: Limits;
  readonly stored: Stored;
  readonly values: Values;
  read(key: RequestKey): Promise<RequestRow | undefined>;
  /** Some attributes of it. */
  read<A extends keyof RequestRow>(key: RequestKey, attributes: readonly A[]): Promise<Pick<RequestRow, A> | undefined>;
  /** Changes of one request follow one another within this process. */
  change<T>(key: RequestKey, decide: Decide<T>): Promise<T>;
  /** Counts bytes of files for a request, if it is stored: beside its other writes, which do not see it. */
  addFile(key: RequestKey, bytes: number): Promise<void>;
  /** The row as this process wrote it last, while it holds the lease. */
  remembered(key: RequestKey): RequestRow | undefined;
}

export interface StoreParts extends Omit<Store, "read" | "change" | "addFile" | "remembered"> {
  readonly client: DynamoDBClient;
  /** Waits before another try, so that those who want the same row do not keep each other from it. */
  readonly pause: (ms: number) => Promise<void>;
}

/** Somebody else wins every time: then something is wrong, and saying so is better than trying for ever. */
const MAX_TRIES = 50;
/** Another writer was first: most often it was one, and the next try succeeds. */
const QUICK_TRIES = 3;
/** A transaction that is in the way takes some milliseconds. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;
const longestPauseBefore = (tries: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - QUICK_TRIES));

type Outcome =
  | { readonly outcome: "written" }
  | { readonly outcome: "other"; readonly row: RequestRow | undefined }
  | { readonly outcome: "again" };

export function createStore(parts: StoreParts): Store {
  const { client, processId, clock, chance, requests, stored, pause } = parts;
  const remembered = new Map<string, RequestRow>();
  let holder = "";
  const lines = new Map<string, Promise<unknown>>();

  const readPk = (pk: string): Promise<RequestRow | undefined> => requests.get<RequestRow>({ pk });

  async function write(before: RequestRow | undefined, next: RequestRow, also: readonly TransactWriteItem[]): Promise<Outcome> {
    const put = { ...withIndexes(next, clock.now()) };
    const change = before ? updateOf(requests.table, before, put) : createOf(requests.table, put);
    try {
      if (also.length > 0) await client.send(new TransactWriteItemsCommand({ TransactItems: [change, ...also] }));
      else if (change.Update) await client.send(new UpdateItemCommand(change.Update));
      else await client.send(new PutItemCommand(change.Put!));
      return { outcome: "written" };
    } catch (error) {
      const refusal = readRefusal(error);
      if (!refusal) {
        // It may have been made all the same.
        const row = await readPk(before?.pk ?? next.pk).catch(() => undefined);
        if (row?.written_by === next.written_by) return { outcome: "written" };
        throw error;
      }
      const row = refusal.item && toItem<RequestRow>(refusal.item);
      if (row?.written_by === next.written_by) return { outcome: "written" };
      return refusal.isConflict ? { outcome: "again" } : { outcome: "other", row };
    }
  }

  /** Counted beside the write rather than behind it: the next write of the row may be the one that keeps its lease. */
  async function counted(owner: Owner, bytes: number, make: () => Promise<Outcome>): Promise<Outcome> {
    const counting = stored.add(owner, bytes);
    let isWritten = false;
    try {
      const written = await make();
      isWritten = written.outcome === "written";
      return written;
    } finally {
      await counting;
      if (!isWritten) await stored.add(owner, -bytes);
    }
  }

  /** On Lambda one environment serves one invocation after another: each is a process of its own. */
  function recall(pk: string): RequestRow | undefined {
    if (holder !== processId()) remembered.clear();
    holder = processId();
    return remembered.get(pk);
  }

  async function changeInTurn<T>(pk: string, decide: Decide<T>): Promise<T> {
    let isRemembered = recall(pk) !== undefined;
    let row = recall(pk) ?? (await readPk(pk));
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      if (tries >= QUICK_TRIES) await pause(chance.random() * longestPauseBefore(tries));
      const { next, also = [], reserved = 0, answer } = await decide(row);
      if (!next && !isRemembered) return answer;
      if (!next) {
        remembered.delete(pk);
        isRemembered = false;
        row = await readPk(pk);
        continue;
      }
      const stamped: RequestRow = { ...withCount(next), rev: (row?.rev ?? 0) + 1, written_by: chance.makeId() };
      const bytes = countedIn(stamped) - countedIn(row) - reserved;
      const written = await counted(ownerOf(stamped), bytes, () => write(row, stamped, also));
      if (written.outcome === "written") {
        if (stamped.status === "PROCESSING" && stamped.process === processId()) remembered.set(pk, withIndexes(stamped, clock.now()));
        else remembered.delete(pk);
        return answer;
      }
      remembered.delete(pk);
      isRemembered = false;
      row = written.outcome === "other" && written.row ? written.row : await readPk(pk);
    }
    throw new StreamerError("STORAGE_ERROR", `Request ${pk} is written by too many at once; nothing was changed. Try again.`);
  }

  /** The changes of one row follow one another. */
  function inTurn<T>(pk: string, change: () => Promise<T>): Promise<T> {
    const before = lines.get(pk);
    const changed = before ? before.then(change) : change();
    const leave = (): void => {
      if (lines.get(pk) === settled) lines.delete(pk);
    };
    const settled = changed.then(leave, leave);
    lines.set(pk, settled);
    return changed;
  }

  /** Not a revision of the row: what another decides on it does not hang on its files. */
  async function addFile(pk: string, bytes: number): Promise<void> {
    const isStored = "attribute_exists(life) AND attribute_not_exists(tombstone_until)";
    // What a run stored before its request was durable is counted nowhere.
    const update = {
      set: "ADD file_bytes :bytes",
      condition: bytes < 0 ? `${isStored} AND file_bytes >= :least` : isStored,
      values: { ":bytes": bytes, ...(bytes < 0 && { ":least": -bytes }) },
    };
    for (let tries = 0; ; tries += 1) {
      try {
        const row = await requests.update<RequestRow>({ pk }, update);
        if (row) await stored.add(ownerOf(row), bytes);
        return;
      } catch (error) {
        // Another process's transaction was in the way.
        if (tries >= MAX_TRIES || !readRefusal(error)?.isConflict) throw error;
        await pause(chance.random() * longestPauseBefore(QUICK_TRIES + tries));
      }
    }
  }

  return {
    ...parts,
    addFile: (key, bytes) => inTurn(partitionKey(key), () => addFile(partitionKey(key), bytes)),
    read: (key: RequestKey, attributes?: readonly string[]) => requests.get<RequestRow>({ pk: partitionKey(key) }, attributes),
    remembered: (key) => recall(partitionKey(key)),
    change: (key, decide) => {
      const pk = partitionKey(key);
      return inTurn(pk, () => changeInTurn(pk, decide));
    },
  };
}

const ownerOf = ({ tenant, user }: RequestRow): Owner => ({ tenantId: tenant, userId: user });

const INDEX_ATTRIBUTES = ["owner", "listed", "agenda", "agenda_at", "line", "line_order", "runnable", "ttl"] as const;

/** The item: the row, and the index keys that follow from it now rather than those it was read with. */
function withIndexes(row: RequestRow, now: number): RequestRow {
  const bare: Record<string, unknown> = { ...row };
  for (const name of INDEX_ATTRIBUTES) delete bare[name];
  return { ...(bare as unknown as RequestRow), ...indexKeys(row, now) };
}

const returnOther = { ReturnValuesOnConditionCheckFailure: "ALL_OLD" } as const;

function createOf(table: string, row: RequestRow): TransactWriteItem {
  return { Put: { TableName: table, Item: toAttributes(row), ConditionExpression: "attribute_not_exists(pk)", ...returnOther } };
}

/** Sets what differs, removes what is gone, and appends to the log rather than writing it anew. */
function updateOf(table: string, before: RequestRow, next: RequestRow): TransactWriteItem {
  const [old, wanted] = [before, next] as unknown as Record<string, unknown>[] as [Record<string, unknown>, Record<string, unknown>];
  const names: Record<string, string> = { "#rev": "rev" };
  const values: Record<string, unknown> = { ":old_rev": before.rev };
  const sets: string[] = [];
  const removes: string[] = [];
  for (const name of new Set([...Object.keys(old), ...Object.keys(wanted)])) {
    if (name === "pk" || JSON.stringify(old[name]) === JSON.stringify(wanted[name])) continue;
    names[`#${name}`] = name;
    if (wanted[name] === undefined) {
      removes.push(`#${name}`);
      continue;
    }
    const appended = name === "log" && isAppended(before, next) ? next.log.slice(before.log.length) : undefined;
    values[`:${name}`] = appended ?? wanted[name];
    sets.push(appended ? `#${name} = list_append(#${name}, :${name})` : `#${name} = :${name}`);
  }
  return {
    Update: {
      TableName: table,
      Key: toAttributes({ pk: before.pk }),
      UpdateExpression: `SET ${sets.join(", ")}${removes.length > 0 ? ` REMOVE ${removes.join(", ")}` : ""}`,
      ConditionExpression: "#rev = :old_rev",
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: toAttributes(values),
      ...returnOther,
    },
  };
}

function isAppended(before: RequestRow, next: RequestRow): boolean {
  return (
    next.life === before.life && next.log.length > before.log.length && next.log[before.log.length - 1]?.seq === before.log.at(-1)?.seq
  );
}

interface Refusal {
  readonly item?: Record<string, AttributeValue> | undefined;
  /** Two transactions met: neither condition was looked at. */
  readonly isConflict: boolean;
}

function readRefusal(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined;
  const {
    name,
    Item: item,
    CancellationReasons: reasons,
  } = error as Error & {
    Item?: Record<string, AttributeValue>;
    CancellationReasons?: readonly { readonly Code?: string; readonly Item?: Record<string, AttributeValue> }[];
  };
  if (name === "ConditionalCheckFailedException") return { item, isConflict: false };
  if (name === "TransactionConflictException") return { isConflict: true };
  if (name !== "TransactionCanceledException" || !reasons) return undefined;
  const codes = reasons.map(({ Code }) => Code);
  if (codes.includes("ConditionalCheckFailed")) return { item: reasons[0]?.Item, isConflict: false };
  const isPassing = codes.some(
    (code) => code === "TransactionConflict" || code === "ThrottlingError" || code === "ProvisionedThroughputExceeded",
  );
  return isPassing ? { isConflict: true } : undefined;
}
