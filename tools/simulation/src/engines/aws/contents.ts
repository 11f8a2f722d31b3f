/** What is in the tables and the bucket, read past every call. */
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { eventsKey, movedKey, partitionKey, type EventsItem, type RequestRow, type StoredText } from "@streamer/aws";
import type { Contents, StoredRequest } from "../../engine.ts";
import type { Bucket } from "./bucket.ts";
import type { Database } from "./dynamodb/database.ts";
import type { Item } from "./dynamodb/values.ts";

const BLOBS = "blobs/";
type Frames = StoredRequest["events"];

export function createContents(database: Database, bucket: Bucket): Omit<Contents, "check"> {
  const requests = database.table("requests");
  const textOf = (text: StoredText): string => (typeof text === "string" ? text : (bucket.text(text.object) ?? ""));

  function framesUnder(pk: string): Frames {
    const { items } = database.table("events").query({
      TableName: "events",
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": { S: pk } },
    });
    return items.flatMap((item) => {
      const { frames, stored } = unmarshall(item) as EventsItem;
      const all = frames ?? (JSON.parse(textOf(stored!)) as NonNullable<EventsItem["frames"]>);
      return all.map(({ seq, text }) => ({ seq, text: textOf(text) }));
    });
  }

  function toStored(item: Item): StoredRequest {
    const row = unmarshall(item) as RequestRow;
    const own = [...row.log, ...(row.progress ? [row.progress] : [])].map(({ seq, text }) => ({ seq, text: textOf(text) }));
    const others = [...(row.has_partials ? framesUnder(eventsKey(row)) : []), ...(row.has_moved_log ? framesUnder(movedKey(row)) : [])];
    return {
      key: row.key,
      requestId: row.request_id,
      owner: { tenantId: row.tenant, userId: row.user },
      action: row.action,
      idempotencyKey: row.idempotency_key,
      status: row.status,
      attempt: row.attempt,
      maxAttempts: row.max_attempts,
      failures: row.failures,
      crashes: row.crashes,
      cancelRequested: row.cancel_requested === true,
      seq: row.seq,
      createdAt: row.created_at,
      runAt: row.run_at,
      endedAt: row.ended_at,
      expiresAt: row.expires_at,
      events: [...own, ...others].toSorted((a, b) => a.seq - b.seq),
    };
  }

  /** Not a key of an idempotency key, a life that is past, or what is left of one that was forgotten. */
  const isRequest = (item: Item | undefined): item is Item => item?.["status"] !== undefined && item["tombstone_until"] === undefined;

  return {
    read: (key) => {
      const item = requests.get({ pk: { S: partitionKey(key) } });
      return isRequest(item) ? toStored(item) : undefined;
    },
    all: () => Array.from(requests.all()).filter(isRequest).map(toStored),
    blobs: () => bucket.keys().flatMap((key) => (key.startsWith(BLOBS) ? [key.slice(BLOBS.length)] : [])),
  };
}
