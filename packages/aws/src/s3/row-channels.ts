/**
 * Rows that clients append for process_data, as objects: what one function appends, another reads.
 *
 *   channels/<user>/<channel>/<sequence>.ndjson   appended rows
 *                             read                appends that a run has read
 *                             reader              id of the request that reads it
 *                             end                 appends there are in all
 *
 * An append and a reader are written only where there is none, so of two at once one wins. Objects go a week after they
 * were written, by a rule of the bucket.
 */
import { S3Client } from "@aws-sdk/client-s3";
import type { Owner } from "@streamer/core";
import { systemClock } from "../clock.ts";
import { hashOf, ownerKey } from "../dynamodb/keys.ts";
import { createObjects, type Listed, type Objects } from "./objects.ts";
import { required, VARIABLES } from "../functions/settings.ts";

const DIGITS = 12;
/** A listing costs a two-hundredth of a cent: once a second is enough for what takes minutes. */
const POLL_MS = 1_000;
const SEGMENT = /\/(\d{12})\.ndjson$/;

/** Channels as @streamer/handlers has them, in the bucket that the function was told of. */
export function bucketChannels(variables: Readonly<Record<string, string | undefined>>) {
  let opened: Objects | undefined;
  // At the first use: a module of handlers is also loaded where there is no bucket, to be looked at.
  const objects = (): Objects => (opened ??= objectsOf(variables));
  const prefixOf = (owner: Owner): string => `channels/${hashOf(ownerKey(owner))}/`;
  return {
    of: (owner: Owner, streamId: string) => channelAt(objects(), `${prefixOf(owner)}${hashOf(streamId)}/`),
    count: async (owner: Owner) => {
      const prefix = prefixOf(owner);
      const channels = (await objects().list(prefix)).map(({ key }) => key.slice(prefix.length).split("/")[0]);
      return new Set(channels).size;
    },
    pollMs: POLL_MS,
  };
}

function objectsOf(variables: Readonly<Record<string, string | undefined>>): Objects {
  const client = new S3Client({ forcePathStyle: variables["AWS_ENDPOINT_URL_S3"] !== undefined });
  return createObjects(client, required(variables, VARIABLES.bucket), systemClock);
}

function channelAt(objects: Objects, prefix: string) {
  const segmentKey = (sequence: number): string => `${prefix}${String(sequence).padStart(DIGITS, "0")}.ndjson`;
  const [readKey, endKey, readerKey] = [`${prefix}read`, `${prefix}end`, `${prefix}reader`];
  const textOf = async (key: string): Promise<string | undefined> => {
    const opened = await objects.open(key);
    return opened && new Response(opened.body).text();
  };
  const numberOf = async (key: string, listed: readonly Listed[]): Promise<number | undefined> => {
    const text = listed.some((one) => one.key === key) ? await textOf(key) : undefined;
    return text === undefined ? undefined : Number(text);
  };
  return {
    look: async () => {
      const listed = await objects.list(prefix);
      if (listed.length === 0) return undefined;
      const segments = listed.filter(({ key }) => SEGMENT.test(key));
      // Its first rows went by the bucket's rule: what is left of it is no channel.
      if (segments[0] && segments[0].key !== segmentKey(0)) {
        await objects.removeAll(prefix);
        return undefined;
      }
      const [readUpTo = 0, endsAt] = await Promise.all([numberOf(readKey, listed), numberOf(endKey, listed)]);
      return { sizes: segments.map(({ sizeBytes }) => sizeBytes), readUpTo, endsAt };
    },
    read: (sequence: number) => objects.readText(segmentKey(sequence)),
    add: (sequence: number, text: string) => objects.create(segmentKey(sequence), text),
    setReadUpTo: async (sequence: number) => void (await objects.put(readKey, String(sequence))),
    setEnd: async (sequence: number) => void (await objects.put(endKey, String(sequence))),
    take: async (requestId: string) => {
      for (;;) {
        if (await objects.create(readerKey, requestId)) return requestId;
        // Absent when another is just writing it, or has just left.
        const reader = await textOf(readerKey);
        if (reader !== undefined) return reader;
      }
    },
    leave: async (requestId: string) => {
      if ((await textOf(readerKey)) === requestId) await objects.removeAll(readerKey);
    },
    remove: () => objects.removeAll(prefix),
  };
}
