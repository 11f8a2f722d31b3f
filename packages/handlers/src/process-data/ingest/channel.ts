/**
 * A named channel: rows a client sends while a run reads them, in the order of their sequence numbers, each append stored
 * whole and once whatever crashes. Where it is kept is the engine's affair (`Channels`): a folder beside the server, or
 * objects of a bucket.
 *
 * P10: a channel is found by its owner: nobody can name somebody else's.
 * P14: unread bytes and channels of one user are bounded; beyond, an append is refused with RATE_LIMITED.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Owner } from "@streamer/core";

/** Where channels are kept. A channel that nobody touches for a week may be forgotten. */
export interface Channels {
  of(owner: Owner, streamId: string): ChannelStore;
  /** How many the owner has. */
  count(owner: Owner): Promise<number>;
  /** How often a reader looks for rows, in ms. */
  readonly pollMs: number;
}

/** One channel as it is stored. Appends are numbered from 0 without gaps. */
export interface ChannelStore {
  /** Undefined when there is no such channel. */
  look(): Promise<ChannelState | undefined>;
  /** The rows of an append of so many bytes, as NDJSON. */
  read(sequence: number, bytes: number): Promise<string>;
  /** Stores an append whole, on stable storage when it resolves; false when there is one of this number. */
  add(sequence: number, text: string): Promise<boolean>;
  setReadUpTo(sequence: number): Promise<void>;
  setEnd(sequence: number): Promise<void>;
  /** Takes the channel for a request, unless another has it; answers whose it is. It may be taken before its first row is there. */
  take(requestId: string): Promise<string>;
  /** Nothing happens to a channel that somebody else reads. */
  leave(requestId: string): Promise<void>;
  remove(): Promise<void>;
}

export interface ChannelState {
  /** Bytes of each append. */
  readonly sizes: readonly number[];
  /** Appends that a run has read. */
  readonly readUpTo: number;
  /** Appends there are in all, once that is known. */
  readonly endsAt: number | undefined;
}

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

export interface Append {
  readonly owner: Owner;
  readonly streamId: string;
  readonly sequence: number;
  readonly rows: readonly unknown[];
  readonly end: boolean;
}

export async function appendToChannel(channels: Channels, append: Append, limits: ChannelLimits): Promise<Appended | Refusal> {
  const { owner, streamId, sequence, rows, end } = append;
  const channel = channels.of(owner, streamId);
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const found = await channel.look();
  const { sizes, readUpTo, endsAt } = found ?? { sizes: [], readUpTo: 0, endsAt: undefined };
  const expected = sizes.length;
  const stored = sum(sizes);
  const unread = stored - sum(sizes.slice(0, readUpTo));
  const bytes = Buffer.byteLength(text);
  if (sequence < expected) {
    if ((await channel.read(sequence, sizes[sequence]!)) !== text) return { outcome: "differs", sequence };
    if (end && endsAt === undefined && sequence === expected - 1) await channel.setEnd(expected);
    return { outcome: "repeated", nextSequence: expected, unreadBytes: unread };
  }
  if (endsAt !== undefined) return { outcome: "ended", at: endsAt };
  if (sequence > expected) return { outcome: "gap", expected };
  if (unread > 0 && unread + bytes > limits.maxUnreadBytes) {
    return { outcome: "full", unreadBytes: unread, maxUnreadBytes: limits.maxUnreadBytes };
  }
  if (stored + bytes > limits.maxBytes) return { outcome: "too_large", maxBytes: limits.maxBytes };
  if (!found && (await channels.count(owner)) >= limits.maxChannelsPerUser) {
    return { outcome: "too_many", maxChannels: limits.maxChannelsPerUser };
  }
  // Another append of this number was there first: this one repeats it, or differs.
  if (!(await channel.add(sequence, text))) return appendToChannel(channels, append, limits);
  if (end) await channel.setEnd(expected + 1);
  return { outcome: "stored", nextSequence: expected + 1, unreadBytes: unread + bytes };
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

export class ChannelIdle extends Error {}

export interface ReadTerms {
  readonly pollMs: number;
  /** Longest wait for the next rows. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/** Appends in order, each as soon as it is there, until the end; throws `ChannelIdle` when nothing comes for so long. */
export async function* readChannel(channel: ChannelStore, { pollMs, idleMs, signal }: ReadTerms): AsyncGenerator<string> {
  let read = 0;
  let heardAt = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const { sizes = [], endsAt } = (await channel.look()) ?? {};
    if (read < sizes.length) {
      for (; read < sizes.length; read += 1) {
        signal.throwIfAborted();
        yield await channel.read(read, sizes[read]!);
      }
      heardAt = performance.now();
      // Once for all that was there: the mark costs a write, and what is unread is bounded.
      await channel.setReadUpTo(read);
    }
    if (endsAt !== undefined && read >= endsAt) return;
    if (performance.now() - heardAt > idleMs) throw new ChannelIdle();
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
  }
}
