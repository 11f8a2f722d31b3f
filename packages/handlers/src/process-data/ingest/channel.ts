/**
 * A named channel: rows a client sends while a run reads them, in the order of their sequence numbers, each append stored
 * whole and once whatever crashes. Where it is kept is the engine's affair (`Channels`): a folder beside the server, or
 * objects of a bucket.
 *
 * P10: a channel is found by its owner: nobody can name somebody else's.
 * P14: bytes of a channel, unread ones and all of them, and channels and bytes of a user and of a tenant are bounded;
 * beyond, an append is refused. Appends are joined in segments (segment.ts), so that their number costs nothing.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Owner } from "@streamer/core";
import { appendsIn, appendText } from "./segment.ts";

/** Where channels are kept. A channel that nobody touches for a week may be forgotten. */
export interface Channels {
  of(owner: Owner, streamId: string): ChannelStore;
  /** What the users of a tenant have, by `userName`. */
  usage(tenantId: string): Promise<ReadonlyMap<string, Usage>>;
  /** How often a reader looks for rows, in ms. */
  readonly pollMs: number;
}

export interface Usage {
  readonly channels: number;
  readonly bytes: number;
}

/** One channel as it is stored. Appends are numbered from 0 without gaps. */
export interface ChannelStore {
  /** Undefined when there is no such channel. */
  look(): Promise<ChannelState | undefined>;
  /** Whole appends from this one on, at least it, as they are stored; `next` is the first that is not among them. */
  read(sequence: number): Promise<{ readonly text: string; readonly next: number }>;
  /** Stores an append whole, on stable storage when it resolves; false when there is one of this number. */
  add(sequence: number, text: string): Promise<boolean>;
  setRead(read: Mark): Promise<void>;
  setEnd(end: End): Promise<void>;
  /** Takes the channel for a request, unless another has it; answers whose it is. It may be taken before its first row is there. */
  take(requestId: string): Promise<string>;
  /** Nothing happens to a channel that somebody else reads. */
  leave(requestId: string): Promise<void>;
  remove(): Promise<void>;
}

interface Mark {
  readonly appends: number;
  readonly bytes: number;
}

/** The last append of a channel may have had no rows, and is not stored then. */
interface End {
  /** Appends that are stored. */
  readonly appends: number;
  readonly nextSequence: number;
}

export interface ChannelState extends Mark {
  /** What a run has read of it. */
  readonly read: Mark;
  /** Once it is known. */
  readonly end: End | undefined;
}

export const NOTHING: Mark = { appends: 0, bytes: 0 };

export interface Appended {
  readonly outcome: "stored" | "repeated";
  readonly nextSequence: number;
  readonly unreadBytes: number;
}

export type Refusal =
  | { readonly outcome: "gap"; readonly expected: number }
  | { readonly outcome: "differs"; readonly sequence: number }
  | { readonly outcome: "ended"; readonly at: number }
  | { readonly outcome: "empty"; readonly sequence: number }
  | { readonly outcome: "full"; readonly unreadBytes: number; readonly maxUnreadBytes: number }
  | { readonly outcome: "too_large"; readonly maxBytes: number }
  | OverQuota;

/** What a user, or all users of the tenant together, may not have more of. */
export interface OverQuota {
  readonly outcome: "over_quota";
  readonly of: "user" | "tenant";
  readonly what: "channels" | "bytes";
  readonly most: number;
}

export interface ChannelLimits {
  /** Rows waiting for a reader, in bytes. */
  readonly maxUnreadBytes: number;
  /** All rows of one channel: they stay until the run that reads them has stored what it made of them. */
  readonly maxBytes: number;
  readonly maxChannelsPerUser: number;
  readonly maxChannelsPerTenant: number;
  /** All rows of all channels. */
  readonly maxBytesPerUser: number;
  readonly maxBytesPerTenant: number;
}
export const CHANNEL_LIMITS: ChannelLimits = {
  maxUnreadBytes: 16_000_000,
  maxBytes: 2_000_000_000,
  maxChannelsPerUser: 20,
  maxChannelsPerTenant: 1_000,
  maxBytesPerUser: 4_000_000_000,
  maxBytesPerTenant: 20_000_000_000,
};

export interface Append {
  readonly owner: Owner;
  readonly streamId: string;
  readonly sequence: number;
  readonly rows: readonly unknown[];
  readonly end: boolean;
}

/** Asks whether the owner may have so many bytes more, in a channel that is new or not; notes them when it may. */
export type Admit = (owner: Owner, more: Usage) => Promise<OverQuota | undefined>;

export async function appendToChannel(
  channels: Channels,
  append: Append,
  { limits, admit }: { readonly limits: ChannelLimits; readonly admit: Admit },
): Promise<Appended | Refusal> {
  const { owner, streamId, sequence, rows, end } = append;
  const channel = channels.of(owner, streamId);
  const found = await channel.look();
  const { appends, bytes: stored, read, end: known } = found ?? { ...NOTHING, read: NOTHING, end: undefined };
  // Of the rows: without the line that ends each append.
  const unread = stored - read.bytes - (appends - read.appends);
  const answer = (outcome: Appended["outcome"], more = 0, next = known?.nextSequence ?? appends): Appended => ({
    outcome,
    nextSequence: next,
    unreadBytes: unread + more,
  });
  const text = rows.length === 0 ? "" : appendText(rows);
  if (sequence < (known?.nextSequence ?? appends)) {
    const before = sequence < appends ? appendsIn((await channel.read(sequence)).text)[0] : "";
    if (before !== text) return { outcome: "differs", sequence };
    if (end && !known && sequence === appends - 1) await channel.setEnd({ appends, nextSequence: appends });
    return answer("repeated");
  }
  if (known) return { outcome: "ended", at: known.nextSequence };
  if (sequence > appends) return { outcome: "gap", expected: appends };
  if (text === "" && !end) return { outcome: "empty", sequence };
  const bytes = Buffer.byteLength(text);
  if (unread > 0 && unread + bytes > limits.maxUnreadBytes) {
    return { outcome: "full", unreadBytes: unread, maxUnreadBytes: limits.maxUnreadBytes };
  }
  if (stored + bytes > limits.maxBytes) return { outcome: "too_large", maxBytes: limits.maxBytes };
  const over = await admit(owner, { channels: found ? 0 : 1, bytes });
  if (over) return over;
  // Another append of this number was there first: this one repeats it, or differs.
  if (text !== "" && !(await channel.add(sequence, text))) return appendToChannel(channels, append, { limits, admit });
  if (end) await channel.setEnd({ appends: text === "" ? appends : appends + 1, nextSequence: appends + 1 });
  return answer("stored", text === "" ? 0 : bytes - 1, appends + 1);
}

export class ChannelIdle extends Error {}
/** Nothing more is there for now, and a run is not to wait for it. */
export class ChannelPauses extends Error {
  readonly appends: number;
  /** Since rows were there. */
  readonly silentMs: number;

  constructor(appends: number, silentMs: number) {
    super("The channel has no more rows for now.");
    this.appends = appends;
    this.silentMs = silentMs;
  }
}

export interface ReadTerms {
  readonly pollMs: number;
  /** Longest wait for the next rows. */
  readonly idleMs: number;
  /** Longest that is waited in all; then `ChannelPauses` is thrown. */
  readonly waitHereMs: number;
  readonly signal: AbortSignal;
}

/** Appends in order, each as soon as it is there, until the end; throws `ChannelIdle` when nothing comes for so long. */
export async function* readChannel(channel: ChannelStore, { pollMs, idleMs, waitHereMs, signal }: ReadTerms): AsyncGenerator<string> {
  let read = 0;
  let heardAt = performance.now();
  let waitedMs = 0;
  for (;;) {
    signal.throwIfAborted();
    const { appends, bytes, end } = (await channel.look()) ?? { ...NOTHING, end: undefined };
    if (read < appends) {
      while (read < appends) {
        signal.throwIfAborted();
        const { text, next } = await channel.read(read);
        read = next;
        // The empty lines that end appends are no rows.
        yield text.replaceAll("\n\n", "\n");
      }
      heardAt = performance.now();
      // Once for all that was there: the mark costs a write, and what is unread is bounded.
      await channel.setRead({ appends, bytes });
    }
    if (end && read >= end.appends) return;
    const now = performance.now();
    if (now - heardAt > idleMs) throw new ChannelIdle();
    if (waitedMs >= waitHereMs) throw new ChannelPauses(appends, now - heardAt);
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
    waitedMs += performance.now() - now;
  }
}
