/**
 * Rows that clients append for process_data, as objects: what one function appends, another reads.
 *
 *   channels/<user>/<channel>/<sequence>.ndjson   appended rows
 *                             read                appends that a run has read
 *                             reader              id of the request that reads it
 *                             end                 appends there are in all
 *
 * An append and a reader are written only where there is none (If-None-Match), so of two at once one wins. S3 answers
 * listings as of now (S3 User Guide, "Amazon S3 data consistency model"). Objects go a week after they were written, by a
 * rule of the bucket.
 */
import { GetObjectCommand, DeleteObjectCommand, ListObjectsV2Command, NoSuchKey, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { hashOf } from "./keys.ts";
import { required, VARIABLES } from "./settings.ts";

interface Owner {
  readonly tenantId: string;
  readonly userId: string;
}

const DIGITS = 12;
/** A listing costs a two-hundredth of a cent: once a second is enough for what takes minutes. */
const POLL_MS = 1_000;
const SEGMENT = /\/(\d{12})\.ndjson$/;

/** Channels as @streamer/handlers has them, in the bucket that the function was told of. */
export function bucketChannels(variables: Readonly<Record<string, string | undefined>>) {
  let opened: Bucket | undefined;
  // At the first use: a module of handlers is also loaded where there is no bucket, to be looked at.
  const bucket = (): Bucket => (opened ??= openBucket(variables));
  const ownerPrefix = ({ tenantId, userId }: Owner): string => `channels/${hashOf(JSON.stringify([tenantId, userId]))}/`;
  return {
    of: (owner: Owner, streamId: string) => channelAt(bucket, `${ownerPrefix(owner)}${hashOf(streamId)}/`),
    count: async (owner: Owner) => {
      const prefix = ownerPrefix(owner);
      const keys = (await bucket().list(prefix)).map(({ key }) => key.slice(prefix.length).split("/")[0]);
      return new Set(keys).size;
    },
    pollMs: POLL_MS,
  };
}

function channelAt(bucket: () => Bucket, prefix: string) {
  const segmentKey = (sequence: number): string => `${prefix}${String(sequence).padStart(DIGITS, "0")}.ndjson`;
  const numberOf = async (name: string, objects: readonly Listed[]): Promise<number | undefined> => {
    if (!objects.some(({ key }) => key === `${prefix}${name}`)) return undefined;
    const text = await bucket().read(`${prefix}${name}`);
    return text === undefined ? undefined : Number(text);
  };
  const remove = async (): Promise<void> => {
    for (const { key } of await bucket().list(prefix)) await bucket().remove(key);
  };
  return {
    look: async () => {
      const objects = await bucket().list(prefix);
      if (objects.length === 0) return undefined;
      const segments = objects.filter(({ key }) => SEGMENT.test(key));
      // Its first rows went by the bucket's rule: what is left of it is no channel.
      if (segments[0] && segments[0].key !== segmentKey(0)) {
        await remove();
        return undefined;
      }
      const [readUpTo = 0, endsAt] = await Promise.all([numberOf("read", objects), numberOf("end", objects)]);
      return { sizes: segments.map(({ bytes }) => bytes), readUpTo, endsAt };
    },
    read: async (sequence: number) => {
      const text = await bucket().read(segmentKey(sequence));
      if (text === undefined) throw new Error(`Append ${sequence} of a channel is no longer there.`);
      return text;
    },
    add: (sequence: number, text: string) => bucket().create(segmentKey(sequence), text),
    setReadUpTo: (sequence: number) => bucket().write(`${prefix}read`, String(sequence)),
    setEnd: (sequence: number) => bucket().write(`${prefix}end`, String(sequence)),
    take: async (requestId: string) => {
      if (await bucket().create(`${prefix}reader`, requestId)) return requestId;
      return (await bucket().read(`${prefix}reader`)) ?? requestId;
    },
    leave: async (requestId: string) => {
      if ((await bucket().read(`${prefix}reader`)) === requestId) await bucket().remove(`${prefix}reader`);
    },
    remove,
  };
}

interface Listed {
  readonly key: string;
  readonly bytes: number;
}

interface Bucket {
  /** In order of their keys. */
  list(prefix: string): Promise<readonly Listed[]>;
  read(key: string): Promise<string | undefined>;
  write(key: string, text: string): Promise<void>;
  /** False when there is such an object. */
  create(key: string, text: string): Promise<boolean>;
  remove(key: string): Promise<void>;
}

function openBucket(variables: Readonly<Record<string, string | undefined>>): Bucket {
  const client = new S3Client({ forcePathStyle: variables["AWS_ENDPOINT_URL_S3"] !== undefined });
  const name = required(variables, VARIABLES.bucket);
  return {
    list: async (prefix) => {
      const listed: Listed[] = [];
      let from: string | undefined;
      do {
        const { Contents = [], NextContinuationToken } = await client.send(
          new ListObjectsV2Command({ Bucket: name, Prefix: prefix, ContinuationToken: from }),
        );
        listed.push(...Contents.map(({ Key = "", Size = 0 }) => ({ key: Key, bytes: Size })));
        from = NextContinuationToken;
      } while (from !== undefined);
      return listed;
    },
    read: async (key) => {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }));
        return await Body!.transformToString("utf-8");
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    write: async (key, text) => void (await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: text }))),
    create: async (key, text) => {
      try {
        await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: text, IfNoneMatch: "*" }));
        return true;
      } catch (error) {
        if (TAKEN.has((error as Error).name)) return false;
        throw error;
      }
    },
    remove: async (key) => void (await client.send(new DeleteObjectCommand({ Bucket: name, Key: key }))),
  };
}

/** There is one; or another is being written this moment (S3 User Guide, "Conditional writes"). */
const TAKEN = new Set(["PreconditionFailed", "ConditionalRequestConflict"]);
