/**
 * Channels on disk: one folder for each. Appends are added to the newest segment and synced, in this process one after
 * another (append-rows.ts); what a crash has torn is cut off by the next.
 *
 *   channels/<tenant>/<user>/<channel>/<first sequence>-<bytes before>.ndjson   appended rows, see segment.ts
 *                                      read     appends that a run has read, and their bytes
 *                                      reader   id of the request that reads it
 *                                      end      appends that are stored, and the sequence behind the last
 */
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NOTHING, type Channels, type ChannelStore, type Usage } from "./channel.ts";
import { digits, streamName, tenantName, userName } from "./channel-names.ts";
import { appendsIn, countAppends, SEGMENT_BYTES, wholeBytes } from "./segment.ts";

const POLL_MS = 50;
/** A channel nobody touched for as long as requests are kept is forgotten. */
const FORGET_AFTER_MS = 7 * 86_400_000;
/** All channels there are looked at as often: their users may never come back. */
const FORGET_EVERY_MS = 3_600_000;
const SEGMENT = /^(\d{12})-(\d{12})\.ndjson$/;

/** Channels in a folder, or those that are given. */
export const channelsIn = (channels: string | Channels): Channels => (typeof channels === "string" ? folderChannels(channels) : channels);

function folderChannels(root: string): Channels {
  let forgotAtMs = -Infinity;
  return {
    of: (owner, streamId) => folderChannel(join(root, tenantName(owner.tenantId), userName(owner), streamName(streamId))),
    usage: async (tenantId) => {
      if (performance.now() - forgotAtMs > FORGET_EVERY_MS) {
        forgotAtMs = performance.now();
        await forgetOld(root);
      }
      const tenant = join(root, tenantName(tenantId));
      const users = new Map<string, Usage>();
      for (const user of (await namesIn(tenant)) ?? []) users.set(user, await usageOf(join(tenant, user)));
      return users;
    },
    pollMs: POLL_MS,
  };
}

interface Segment {
  readonly name: string;
  /** The sequence of its first append. */
  readonly first: number;
  /** Bytes of the channel before it. */
  readonly before: number;
}

function segmentsOf(names: readonly string[]): readonly Segment[] {
  return names.toSorted().flatMap((name) => {
    const [, first, before] = SEGMENT.exec(name) ?? [];
    return first === undefined ? [] : [{ name, first: Number(first), before: Number(before) }];
  });
}

interface Newest extends Segment {
  /** Of the file, torn appends and all. */
  readonly size: number;
  readonly changedMs: number;
  /** Whole ones, and their bytes. */
  readonly appends: number;
  readonly bytes: number;
}

function folderChannel(folder: string): ChannelStore {
  let newest: Newest | undefined;

  /** Read again only when it has changed. */
  async function lookAtNewest(names: readonly string[]): Promise<Newest | undefined> {
    const segment = segmentsOf(names).at(-1);
    if (!segment) return undefined;
    const path = join(folder, segment.name);
    const { size, mtimeMs } = await stat(path);
    if (newest?.name === segment.name && newest.size === size && newest.changedMs === mtimeMs) return newest;
    const body = await readFile(path);
    return { ...segment, size: body.length, changedMs: mtimeMs, appends: countAppends(body), bytes: wholeBytes(body) };
  }

  return {
    look: async () => {
      const names = await namesIn(folder);
      if (!names) return undefined;
      newest = await lookAtNewest(names);
      const [read, end] = await Promise.all([numbersIn(join(folder, "read")), numbersIn(join(folder, "end"))]);
      return {
        appends: newest ? newest.first + newest.appends : 0,
        bytes: newest ? newest.before + newest.bytes : 0,
        read: read ? { appends: read[0], bytes: read[1] } : NOTHING,
        end: end && { appends: end[0], nextSequence: end[1] },
      };
    },
    read: async (sequence) => {
      const segment = segmentsOf((await namesIn(folder)) ?? []).findLast(({ first }) => first <= sequence);
      const appends = segment ? appendsIn(await readFile(join(folder, segment.name), "utf8")) : [];
      if (!segment || segment.first + appends.length <= sequence)
        throw new Error(`Append ${sequence} of a channel was removed while it was read.`);
      return { text: appends.slice(sequence - segment.first).join(""), next: segment.first + appends.length };
    },
    add: async (sequence, text) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      if (newest && newest.bytes < SEGMENT_BYTES) await appendDurably(join(folder, newest.name), text, newest.bytes);
      else await writeDurably(folder, `${digits(sequence)}-${digits(newest ? newest.before + newest.bytes : 0)}.ndjson`, text);
      return true;
    },
    setRead: async ({ appends, bytes }) => {
      // Whole or not at all: another process reads it.
      await writeFile(join(folder, ".read"), `${appends} ${bytes}`, { mode: 0o600 });
      await rename(join(folder, ".read"), join(folder, "read"));
    },
    setEnd: async ({ appends, nextSequence }) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeDurably(folder, "end", `${appends} ${nextSequence}`);
    },
    take: async (requestId) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = join(folder, "reader");
      await writeFile(path, requestId, { flag: "wx", mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
      return readFile(path, "utf8");
    },
    leave: async (requestId) => {
      const path = join(folder, "reader");
      if ((await readFile(path, "utf8").catch(absent)) === requestId) await rm(path, { force: true });
      // One that was taken and never got a row leaves nothing.
      await rmdir(folder).catch(() => undefined);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function usageOf(user: string): Promise<Usage> {
  const channels = (await namesIn(user)) ?? [];
  let bytes = 0;
  for (const channel of channels) {
    const last = segmentsOf((await namesIn(join(user, channel))) ?? []).at(-1);
    if (!last) continue;
    const stats = await stat(join(user, channel, last.name)).catch(absent);
    bytes += last.before + (stats?.size ?? 0);
  }
  return { channels: channels.length, bytes };
}

const namesIn = (folder: string): Promise<string[] | undefined> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTDIR") return absent(error);
  });

async function numbersIn(path: string): Promise<readonly [number, number] | undefined> {
  const text = await readFile(path, "utf8").catch(absent);
  if (text === undefined || text === "") return undefined;
  const [first, second] = text.split(" ").map(Number);
  return [first!, second!];
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

/** Behind the whole appends there are; on stable storage when it resolves. */
async function appendDurably(path: string, text: string, wholeUpTo: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.truncate(wholeUpTo);
    await file.write(text, wholeUpTo);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Whole or not at all, and on stable storage when it resolves. */
async function writeDurably(folder: string, name: string, text: string): Promise<void> {
  const temporary = join(folder, `.${name}`);
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Channels that nobody has touched for long; a writer and a reader both touch files in them. */
async function forgetOld(root: string): Promise<void> {
  for (const tenant of (await namesIn(root)) ?? []) {
    for (const user of (await namesIn(join(root, tenant))) ?? []) {
      for (const channel of (await namesIn(join(root, tenant, user))) ?? []) {
        const path = join(root, tenant, user, channel);
        const newestMs = Math.max(
          ...(await Promise.all([path, ...((await namesIn(path)) ?? []).map((name) => join(path, name))].map(changedMs))),
        );
        if (Date.now() - newestMs > FORGET_AFTER_MS) await rm(path, { recursive: true, force: true });
      }
    }
  }
}

const changedMs = async (path: string): Promise<number> => (await stat(path).catch(absent))?.mtimeMs ?? 0;
