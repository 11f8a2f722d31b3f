/**
 * Channels on disk. One folder for each channel, one file for each append, written beside its place, synced and renamed.
 *
 *   channels/<user>/<channel>/<sequence>-<bytes>.ndjson   appended rows
 *                             read                        appends that a run has read
 *                             reader                      id of the request that reads it
 *                             end                         appends there are in all
 */
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Channels, ChannelStore } from "./channel.ts";
import { digits, ownerName, streamName } from "./channel-names.ts";

const POLL_MS = 50;
/** A channel nobody touched for as long as requests are kept is forgotten. */
const FORGET_AFTER_MS = 7 * 86_400_000;
const SEGMENT = /^(\d{12})-(\d{12})\.ndjson$/;

const segmentName = (sequence: number, bytes: number): string => `${digits(sequence)}-${digits(bytes)}.ndjson`;

/** Channels in a folder, or those that are given. */
export const channelsIn = (channels: string | Channels): Channels => (typeof channels === "string" ? folderChannels(channels) : channels);

/** In this process appends of one channel come one after another: see append-rows.ts. */
function folderChannels(root: string): Channels {
  return {
    of: (owner, streamId) => folderChannel(join(root, ownerName(owner), streamName(streamId))),
    count: async (owner) => {
      const folder = join(root, ownerName(owner));
      await forgetOld(folder);
      return (await namesIn(folder))?.length ?? 0;
    },
    pollMs: POLL_MS,
  };
}

function folderChannel(folder: string): ChannelStore {
  return {
    look: async () => {
      const names = await namesIn(folder);
      if (!names) return undefined;
      const [readUpTo, endsAt] = await Promise.all([numberIn(join(folder, "read")), numberIn(join(folder, "end"))]);
      const sizes = names
        .filter((name) => SEGMENT.test(name))
        .toSorted()
        .map((name) => Number(SEGMENT.exec(name)![2]));
      return { sizes, readUpTo: readUpTo ?? 0, endsAt };
    },
    read: (sequence, bytes) => readFile(join(folder, segmentName(sequence, bytes)), "utf8"),
    add: async (sequence, text) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeDurably(folder, segmentName(sequence, Buffer.byteLength(text)), text);
      return true;
    },
    setReadUpTo: (sequence) => writeFile(join(folder, "read"), String(sequence)),
    setEnd: (sequence) => writeDurably(folder, "end", String(sequence)),
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
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

const namesIn = (folder: string): Promise<string[] | undefined> => readdir(folder).catch(absent);

async function numberIn(path: string): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(absent);
  return text === undefined ? undefined : Number(text);
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
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

async function forgetOld(parent: string): Promise<void> {
  for (const name of (await namesIn(parent)) ?? []) {
    const stats = await stat(join(parent, name)).catch(absent);
    if (stats && Date.now() - stats.mtimeMs > FORGET_AFTER_MS) await rm(join(parent, name), { recursive: true, force: true });
  }
}
