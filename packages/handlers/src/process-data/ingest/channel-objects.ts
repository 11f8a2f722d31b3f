/**
 * Channels as objects, where runs share no disk: what one process appends, another reads.
 *
 *   <prefix><user>/<channel>/<sequence>.ndjson   appended rows
 *                            read                appends that a run has read
 *                            reader              id of the request that reads it
 *                            end                 appends there are in all
 *
 * An append and a reader are written only where there is none, so of two at once one wins. Whoever keeps the objects
 * forgets them a week after they were written.
 */
import type { Owner } from "@streamer/core";
import type { Channels, ChannelStore } from "./channel.ts";
import { digits, ownerName, streamName } from "./channel-names.ts";

interface Listed {
  readonly key: string;
  readonly sizeBytes: number;
}

/** What is needed of a store of objects. */
export interface ChannelObjects {
  /** In the order of their keys, as of now. */
  list(prefix: string): Promise<readonly Listed[]>;
  open(key: string): Promise<{ readonly body: ReadableStream<Uint8Array> } | undefined>;
  /** Stores a text unless there is an object of this key: false then. Of two at once one is stored. */
  create(key: string, text: string): Promise<boolean>;
  put(key: string, text: string): Promise<unknown>;
  removeAll(prefix: string): Promise<void>;
}

/** A listing costs a two-hundredth of a cent: once a second is enough for what takes minutes. */
const POLL_MS = 1_000;
const SEGMENT = /\/\d{12}\.ndjson$/;

/** `objects` is asked when a channel is used: a module of handlers is also loaded where there is no store, to be looked at. */
export function objectChannels(objects: () => ChannelObjects, prefix: string): Channels {
  const prefixOf = (owner: Owner): string => `${prefix}${ownerName(owner)}/`;
  return {
    of: (owner, streamId) => objectChannel(objects(), `${prefixOf(owner)}${streamName(streamId)}/`),
    count: async (owner) => {
      const own = prefixOf(owner);
      return new Set((await objects().list(own)).map(({ key }) => key.slice(own.length).split("/")[0])).size;
    },
    pollMs: POLL_MS,
  };
}

function objectChannel(objects: ChannelObjects, prefix: string): ChannelStore {
  const segmentKey = (sequence: number): string => `${prefix}${digits(sequence)}.ndjson`;
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
      // Its first rows have been forgotten: what is left of it is no channel.
      if (segments[0] && segments[0].key !== segmentKey(0)) {
        await objects.removeAll(prefix);
        return undefined;
      }
      const [readUpTo = 0, endsAt] = await Promise.all([numberOf(readKey, listed), numberOf(endKey, listed)]);
      return { sizes: segments.map(({ sizeBytes }) => sizeBytes), readUpTo, endsAt };
    },
    read: async (sequence) => {
      const text = await textOf(segmentKey(sequence));
      if (text === undefined) throw new Error(`Append ${sequence} of a channel was removed while it was read.`);
      return text;
    },
    add: (sequence, text) => objects.create(segmentKey(sequence), text),
    setReadUpTo: async (sequence) => void (await objects.put(readKey, String(sequence))),
    setEnd: async (sequence) => void (await objects.put(endKey, String(sequence))),
    take: async (requestId) => {
      for (;;) {
        if (await objects.create(readerKey, requestId)) return requestId;
        // Absent when another is just writing it, or has just left.
        const reader = await textOf(readerKey);
        if (reader !== undefined) return reader;
      }
    },
    leave: async (requestId) => {
      if ((await textOf(readerKey)) === requestId) await objects.removeAll(readerKey);
    },
    remove: () => objects.removeAll(prefix),
  };
}
