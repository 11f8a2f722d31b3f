/**
 * A named channel: rows a client sends while a run reads them. One folder for each channel, one file for each append,
 * written beside its place, synced and renamed, so that an append is stored whole and once, whatever crashes.
 *
 *   channels/<user>/<channel>/<sequence>-<bytes>.ndjson   appended rows, with how many bytes there are up to their end
 *                             read                        sequence number up to which a run has read
 *                             reader                      id of the request that reads it
 *                             end                         sequence number at which the stream ends
 *
 * P10: folders are named by a hash of tenant, user and stream: nobody can name somebody else's.
 * P14: unread bytes and channels of one user are bounded; beyond, an append is refused with RATE_LIMITED.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Owner } from "@streamer/core";

export interface Appended {
  readonly outcome: "stored" | "repeated";
  readonly nextSequence: number;
  readonly unreadBytes: number;
}

export type Refusal =
  | { readonly outcome: "gap"; readonly expected: number }
  | { readonly outcome: "differs"; readonly sequence: number }
  | { readonly outcome: "ended"; readonly at: number }
  | { readonly outcome: "full"; readonly unreadBytes: number; readonly maxUnreadBytes: number }
  | { readonly outcome: "too_large"; readonly maxBytes: number }
  | { readonly outcome: "too_many"; readonly maxChannels: number };

export interface ChannelLimits {
  /** Rows waiting for a reader. */
  readonly maxUnreadBytes: number;
  /** All rows of one channel: they stay until the run that reads them has stored what it made of them. */
  readonly maxBytes: number;
  readonly maxChannelsPerUser: number;
}
export const CHANNEL_LIMITS: ChannelLimits = { maxUnreadBytes: 16_000_000, maxBytes: 2_000_000_000, maxChannelsPerUser: 20 };

const DIGITS = 12;
const POLL_MS = 50;
/** A channel nobody touched for as long as requests are kept is forgotten. */
const FORGET_AFTER_MS = 7 * 86_400_000;

const hash = (...parts: readonly string[]): string => createHash("sha256").update(parts.map(encodeURIComponent).join("/")).digest("hex");
const digits = (value: number): string => String(value).padStart(DIGITS, "0");
const segmentName = (sequence: number, endsAt: number): string => `${digits(sequence)}-${digits(endsAt)}.ndjson`;
const isSegment = (name: string): boolean => /^\d{12}-\d{12}\.ndjson$/.test(name);
const bytesUpTo = (name: string | undefined): number => Number(name?.slice(DIGITS + 1, 2 * DIGITS + 1) ?? 0);

/** Where a user's channel is kept. */
export function channelFolder(root: string, { tenantId, userId }: Owner, streamId: string): string {
  return join(root, hash(tenantId, userId), hash(streamId));
}

interface ChannelState {
  /** Names of the files there are, in order. */
  readonly segments: readonly string[];
  readonly readUpTo: number;
  readonly endsAt: number | undefined;
}

async function look(folder: string): Promise<ChannelState | undefined> {
  const names = await readdir(folder).catch(absent);
  if (!names) return undefined;
  const [readUpTo, endsAt] = await Promise.all([numberIn(join(folder, "read")), numberIn(join(folder, "end"))]);
  return { segments: names.filter(isSegment).toSorted(), readUpTo: readUpTo ?? 0, endsAt };
}

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

export interface Append {
  readonly sequence: number;
  readonly rows: readonly unknown[];
  readonly end: boolean;
}

/** Appends of one channel come one after another: see append-rows.ts. */
export async function appendToChannel(folder: string, { sequence, rows, end }: Append, limits: ChannelLimits): Promise<Appended | Refusal> {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const state = (await look(folder)) ?? { segments: [], readUpTo: 0, endsAt: undefined };
  const expected = state.segments.length;
  const stored = bytesUpTo(state.segments.at(-1));
  const unread = stored - bytesUpTo(state.segments[state.readUpTo - 1]);
  const bytes = Buffer.byteLength(text);
  if (sequence < expected) {
    if ((await readFile(join(folder, state.segments[sequence]!), "utf8")) !== text) return { outcome: "differs", sequence };
    if (end && state.endsAt === undefined && sequence === expected - 1) await writeDurably(folder, "end", String(expected));
    return { outcome: "repeated", nextSequence: expected, unreadBytes: unread };
  }
  if (state.endsAt !== undefined) return { outcome: "ended", at: state.endsAt };
  if (sequence > expected) return { outcome: "gap", expected };
  if (unread > 0 && unread + bytes > limits.maxUnreadBytes) {
    return { outcome: "full", unreadBytes: unread, maxUnreadBytes: limits.maxUnreadBytes };
  }
  if (stored + bytes > limits.maxBytes) return { outcome: "too_large", maxBytes: limits.maxBytes };
  if (expected === 0) {
    const parent = join(folder, "..");
    await forgetOld(parent);
    const channels = await readdir(parent).catch(absent);
    if ((channels?.length ?? 0) >= limits.maxChannelsPerUser && !(await stat(folder).catch(absent))) {
      return { outcome: "too_many", maxChannels: limits.maxChannelsPerUser };
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await writeDurably(folder, segmentName(sequence, stored + bytes), text);
  if (end) await writeDurably(folder, "end", String(expected + 1));
  return { outcome: "stored", nextSequence: expected + 1, unreadBytes: unread + bytes };
}

async function forgetOld(parent: string): Promise<void> {
  for (const name of (await readdir(parent).catch(absent)) ?? []) {
    const stats = await stat(join(parent, name)).catch(absent);
    if (stats && Date.now() - stats.mtimeMs > FORGET_AFTER_MS) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** Takes a channel for a request; answers whose it is. A channel may be read before its first row is there. */
export async function takeChannel(folder: string, requestId: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "reader");
  await writeFile(path, requestId, { flag: "wx", mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  return readFile(path, "utf8");
}

/** Nothing happens to a channel that somebody else reads. */
export async function leaveChannel(folder: string, requestId: string): Promise<void> {
  const path = join(folder, "reader");
  if ((await readFile(path, "utf8").catch(absent)) === requestId) await rm(path, { force: true });
}
export const removeChannel = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

export class ChannelIdle extends Error {}

/** Segments in order, each as soon as it is there, until the end; throws `ChannelIdle` when nothing comes for so long. */
export async function* readChannel(
  folder: string,
  { idleMs, signal }: { readonly idleMs: number; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  let read = 0;
  let heardAt = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const state = await look(folder);
    for (const name of state?.segments.slice(read) ?? []) {
      yield await readFile(join(folder, name), "utf8");
      read += 1;
      heardAt = performance.now();
      await writeFile(join(folder, "read"), String(read));
    }
    if (state?.endsAt !== undefined && read >= state.endsAt) return;
    if (performance.now() - heardAt > idleMs) throw new ChannelIdle();
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}
