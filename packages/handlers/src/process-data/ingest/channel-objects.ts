/**
 * Channels as objects, where runs share no disk: what one process appends, another reads.
 *
 *   <prefix><tenant>/<user>/<channel>/<first sequence>-<appends>-<bytes before>.ndjson   rows, see segment.ts
 *                                     read     appends that a run has read, and their bytes
 *                                     reader   id of the request that reads it
 *                                     end      appends that are stored, and the sequence behind the last
 *
 * An object cannot be added to: an append writes its segment anew under a name that counts it, and then removes the one
 * it replaces. Segments and readers are written only where there is none, so of two at once one wins: both would give
 * the same name. Whoever keeps the objects forgets them a week after they were written.
 */
import { NOTHING, type Channels, type ChannelStore, type Usage } from "./channel.ts";
import { digits, streamName, tenantName, userName } from "./channel-names.ts";
import { appendsIn, SEGMENT_BYTES } from "./segment.ts";

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
  removeAll(prefix: string): Promise<unknown>;
}

/** A listing costs a two-hundredth of a cent: once a second is enough for what takes minutes. */
const POLL_MS = 1_000;
const SEGMENT = /\/(\d{12})-(\d{12})-(\d{12})\.ndjson$/;
/** A segment is replaced by each append while it is read: so often it is looked for again. */
const READ_ATTEMPTS = 20;

/** `objects` is asked when a channel is used: a module of handlers is also loaded where there is no store, to be looked at. */
export function objectChannels(objects: () => ChannelObjects, prefix: string): Channels {
  const prefixOf = (tenantId: string): string => `${prefix}${tenantName(tenantId)}/`;
  return {
    of: (owner, streamId) => objectChannel(objects(), `${prefixOf(owner.tenantId)}${userName(owner)}/${streamName(streamId)}/`),
    usage: async (tenantId) => usageIn(await objects().list(prefixOf(tenantId)), prefixOf(tenantId)),
    pollMs: POLL_MS,
  };
}

interface Segment {
  readonly key: string;
  readonly first: number;
  readonly appends: number;
  /** Bytes of the channel before it. */
  readonly before: number;
  readonly bytes: number;
}

/** In order; of several that begin with the same append the last is the newest. */
function segmentsOf(listed: readonly Listed[]): readonly Segment[] {
  return listed.flatMap(({ key, sizeBytes }) => {
    const [, first, appends, before] = SEGMENT.exec(key) ?? [];
    return first === undefined ? [] : [{ key, first: Number(first), appends: Number(appends), before: Number(before), bytes: sizeBytes }];
  });
}

function usageIn(listed: readonly Listed[], prefix: string): ReadonlyMap<string, Usage> {
  const byChannel = Map.groupBy(listed, ({ key }) => key.slice(prefix.length).split("/").slice(0, 2).join("/"));
  const users = new Map<string, Usage>();
  for (const [name, objects] of byChannel) {
    const user = name.split("/")[0]!;
    const last = segmentsOf(objects).at(-1);
    const { channels, bytes } = users.get(user) ?? { channels: 0, bytes: 0 };
    users.set(user, { channels: channels + 1, bytes: bytes + (last ? last.before + last.bytes : 0) });
  }
  return users;
}

function objectChannel(objects: ChannelObjects, prefix: string): ChannelStore {
  const keyOf = (first: number, appends: number, before: number): string =>
    `${prefix}${digits(first)}-${digits(appends)}-${digits(before)}.ndjson`;
  const [readKey, readerKey, endKey] = [`${prefix}read`, `${prefix}reader`, `${prefix}end`];
  let segments: readonly Segment[] = [];

  async function textOf(key: string): Promise<string | undefined> {
    const object = await objects.open(key);
    return object && new Response(object.body).text();
  }
  async function numbersIn(key: string, listed: readonly Listed[]): Promise<readonly [number, number] | undefined> {
    const text = listed.some((one) => one.key === key) ? await textOf(key) : undefined;
    const [first, second] = text?.split(" ").map(Number) ?? [];
    return first === undefined ? undefined : [first, second!];
  }

  return {
    look: async () => {
      const listed = await objects.list(prefix);
      if (listed.length === 0) return undefined;
      segments = segmentsOf(listed);
      const [read, end] = await Promise.all([numbersIn(readKey, listed), numbersIn(endKey, listed)]);
      // Its first rows have been forgotten: what is left of it is no channel.
      if (segments[0] ? segments[0].first > 0 : (end?.[0] ?? 0) > 0) {
        await objects.removeAll(prefix);
        return undefined;
      }
      const last = segments.at(-1);
      return {
        appends: last ? last.first + last.appends : 0,
        bytes: last ? last.before + last.bytes : 0,
        read: read ? { appends: read[0], bytes: read[1] } : NOTHING,
        end: end && { appends: end[0], nextSequence: end[1] },
      };
    },
    read: async (sequence) => {
      for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
        const segment = segments.findLast(({ first }) => first <= sequence);
        const text = segment && (await textOf(segment.key));
        if (segment && text !== undefined) {
          const appends = appendsIn(text);
          if (segment.first + appends.length > sequence)
            return { text: appends.slice(sequence - segment.first).join(""), next: segment.first + appends.length };
        }
        segments = segmentsOf(await objects.list(prefix));
      }
      throw new Error(`Append ${sequence} of a channel was removed while it was read.`);
    },
    add: async (sequence, text) => {
      const last = segments.at(-1);
      if (!last || last.bytes >= SEGMENT_BYTES) return objects.create(keyOf(sequence, 1, last ? last.before + last.bytes : 0), text);
      const before = await textOf(last.key);
      // Another append has replaced it.
      if (before === undefined || !(await objects.create(keyOf(last.first, last.appends + 1, last.before), before + text))) return false;
      // Also what a process that died has left.
      for (const { key, first } of segments) if (first === last.first) await objects.removeAll(key);
      return true;
    },
    setRead: async ({ appends, bytes }) => void (await objects.put(readKey, `${appends} ${bytes}`)),
    setEnd: async ({ appends, nextSequence }) => void (await objects.put(endKey, `${appends} ${nextSequence}`)),
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
    remove: async () => void (await objects.removeAll(prefix)),
  };
}
