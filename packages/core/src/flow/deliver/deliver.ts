/**
 * Events to each subscriber, in the order of their seq, with no gap and no repeat (P5, P6; cursor.ts draws how). Frames
 * are printed once by the store; here they are only addressed.
 */
import { andThen } from "../../awaitable.ts";
import { asError, isDataLoss } from "../../errors.ts";
import { byteLength, printMessage, wireError, type ServerMessage } from "@streamer/protocol";
import type { Awaitable } from "../../ports/awaitable.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Frame } from "../../ports/events.ts";
import type { RequestKey } from "../../ports/requests.ts";
import type { Follower } from "../../ports/subscriptions.ts";
import { mayHoldLinks, signLinks } from "../../rules/blob-links.ts";
import { blobPrefix } from "../../rules/identity.ts";
import { Cursor, type CursorPorts } from "./cursor.ts";

export interface Deliver {
  /** Sends committed frames of one request to everyone who follows it. */
  publish(key: RequestKey, frames: readonly Frame[]): Promise<void>;
  /** The same for the frames that end a request: nobody has to follow it any longer. */
  publishLast(key: RequestKey, frames: readonly Frame[]): Promise<void>;
  /** Sends committed frames of one request to one connection alone. */
  sendTo(connectionId: string, key: RequestKey, frames: readonly Frame[]): Promise<void>;
  /**
   * Called before something is asked of a request on a connection that need not follow it: what comes of it is told to the
   * connection once, by the receipt or, where it follows the request or begins to meanwhile, with everybody else.
   */
  expectReceipt(connectionId: string, key: RequestKey): Promise<Receipt>;
  /** Answers one connection with something that is no event. `key` names the request whose links it may hold. */
  answer(connectionId: string, message: ServerMessage, key?: RequestKey): Promise<void>;
  /** The same with a message that is printed already, and holds no links. */
  answerText(connectionId: string, text: string): Awaitable<void>;
  /**
   * Subscribes a connection whose events begin after `after`, and keeps them back until `release` or `follow`: it is
   * still unknown what has to come before. True when it did not follow the request already.
   */
  hold(connectionId: string, key: RequestKey, after: number): Promise<boolean>;
  /**
   * Lets held frames go. Without `follows` what was asked came to nothing: unless something else that was asked on the
   * connection follows the request, or is still held, the subscription goes again. With a seq, what was asked is told from
   * after that one.
   */
  release(connectionId: string, key: RequestKey, follows?: boolean | number): Promise<void>;
  /**
   * Subscribes, sends what came after `after`, then goes on live. With `endedAt`, the seq at which the request had ended,
   * nothing more is to come: unless the log shows otherwise, the subscription goes again. A connection that cannot be told
   * all of it is closed, so that it resumes; never rejects.
   */
  follow(connectionId: string, key: RequestKey, after: number, endedAt?: number): Promise<void>;
  /** Ends one subscription. */
  unfollow(connectionId: string, key: RequestKey): Promise<void>;
  /** Ends those of a closed connection. */
  unfollowAll(connectionId: string): Promise<void>;
  /** Tells the followers of a request what other processes have written, if they left it to this one. */
  catchUp(key: RequestKey): Promise<void>;
  /** Resolves when nothing is being sent. */
  idle(): Promise<void>;
  /** Leaves every follower to other processes, once it has been told all there is. */
  handOver(): Promise<void>;
}

interface Receipt {
  /** Tells the connection what it is not told as a follower. */
  send(frames: readonly Frame[]): Promise<void>;
  /** Nothing more is expected. */
  close(): void;
}

interface ExpectedReceipt {
  readonly connectionId: string;
  readonly key: RequestKey;
  /** All that the connection has followed the request by since something was asked. */
  readonly cursors: Cursor[];
}

type DeliverPorts = Pick<Engine, "subscriptions" | "events" | "channel" | "blobs" | "clock" | "log">;

export interface DeliverParts {
  readonly engine: DeliverPorts;
  readonly linkMs: number;
  readonly dropConnection: (connectionId: string) => Promise<void>;
  /** Told of each answer, and of its size in bytes. */
  readonly onAnswer: (connectionId: string, bytes: number) => void;
}

export function createDeliver({ engine: ports, linkMs, dropConnection, onAnswer }: DeliverParts): Deliver {
  const { subscriptions, events, channel, blobs, clock, log } = ports;
  /** Per request, frames that wait for the publication before them. */
  const publishing = new Map<RequestKey, { readonly queue: Frame[]; readonly ended: Promise<boolean> }>();
  const cursors = new Map<string, Map<RequestKey, Cursor>>();
  const expected = new Set<ExpectedReceipt>();

  const withLinks = async (connectionId: string, key: RequestKey, text: string): Promise<string> =>
    mayHoldLinks(text)
      ? signLinks(text, await blobs.linkMark(key), (name) => blobs.sign(blobPrefix(key) + name, linkMs, connectionId))
      : text;

  function send(connectionId: string, text: string, coalesceKey?: string): Awaitable<void> {
    const sent = channel.send(connectionId, coalesceKey === undefined ? { text } : { text, coalesceKey });
    return andThen(sent, (outcome) => (outcome === "sent" ? undefined : dropConnection(connectionId)));
  }

  async function sendTo(
    connectionId: string,
    key: RequestKey,
    frames: readonly Frame[],
    admit: (seq: number) => boolean = () => true,
  ): Promise<void> {
    for (const { seq, text, kind } of frames) {
      const signed = await withLinks(connectionId, key, text);
      if (!admit(seq)) return;
      await send(connectionId, signed, kind === "progress" ? key : undefined);
    }
  }

  const cursorPorts: CursorPorts = {
    read: (key, after, limit) => events.after(key, after, limit),
    send: sendTo,
    ready: (connectionId) => channel.ready(connectionId),
  };

  const cursorOf = (connectionId: string, key: RequestKey): Cursor | undefined => cursors.get(connectionId)?.get(key);

  function openCursor(connectionId: string, key: RequestKey, last: number): Cursor {
    const known = cursorOf(connectionId, key);
    if (known) return known;
    const cursor = new Cursor(connectionId, key, last, cursorPorts);
    const ofConnection = cursors.get(connectionId);
    if (ofConnection) ofConnection.set(key, cursor);
    else cursors.set(connectionId, new Map([[key, cursor]]));
    for (const receipt of expected) if (receipt.connectionId === connectionId && receipt.key === key) receipt.cursors.push(cursor);
    return cursor;
  }

  function closeCursor(cursor: Cursor): void {
    cursor.closed = true;
    const ofConnection = cursors.get(cursor.connectionId);
    if (ofConnection?.get(cursor.key) === cursor) ofConnection.delete(cursor.key);
    if (ofConnection?.size === 0) cursors.delete(cursor.connectionId);
  }

  async function unfollow(connectionId: string, key: RequestKey): Promise<void> {
    const cursor = cursorOf(connectionId, key);
    if (cursor) closeCursor(cursor);
    await subscriptions.remove(connectionId, key);
  }

  /**
   * Going on would leave a gap. What is damaged would be no better on another connection: that is said of the request it
   * belongs to, which is followed no longer, and everything else goes on.
   */
  async function breakOff(cursor: Cursor, error: unknown): Promise<void> {
    if (!isDataLoss(error) || error.requestId === undefined) return giveUpOn(cursor, error);
    const { connectionId, key } = cursor;
    const { code, message, requestId } = error;
    const refusal = { type: "error", request_id: requestId, timestamp: Math.round(clock.now()), error: wireError(code, message) } as const;
    await send(connectionId, printMessage(refusal));
    await unfollow(connectionId, key);
  }

  /** A closed subscriber resumes after the last frame it got (P6). */
  async function giveUpOn({ connectionId, key }: Cursor, error: unknown): Promise<void> {
    log.warn({ connection_id: connectionId, key, err: asError(error) }, "a push failed; the connection is closed so that it resumes");
    await channel.close(connectionId, 1011, "delivery failed, resume");
    await dropConnection(connectionId);
  }

  /** What was to be told is told, or the connection is closed. */
  async function told(cursor: Cursor, telling: Promise<void>): Promise<void> {
    try {
      await telling;
      if (cursor.ends && cursor.phase === "live") closeCursor(cursor);
    } catch (error) {
      await breakOff(cursor, error);
    }
  }

  function tell({ connectionId, after }: Follower, key: RequestKey, frames: readonly Frame[]): Promise<void> {
    const cursor = openCursor(connectionId, key, after ?? frames[0]!.seq - 1);
    return told(cursor, after === undefined ? cursor.publish(frames) : cursor.takeOver(after));
  }

  /** False when who follows could not even be asked for: then nobody was told, and everybody still is to be. */
  async function drain(key: RequestKey, queue: Frame[]): Promise<boolean> {
    try {
      while (queue.length > 0) {
        const batch = queue.splice(0);
        const followers = await subscriptions.of(key);
        await Promise.all(followers.map((follower) => tell(follower, key, batch)));
      }
      return true;
    } catch (error) {
      log.error({ key, err: asError(error) }, "events could not be delivered; subscribers find them in the log");
      return false;
    } finally {
      publishing.delete(key);
    }
  }

  function publishAll(key: RequestKey, frames: readonly Frame[]): Promise<boolean> {
    if (frames.length === 0) return Promise.resolve(true);
    const current = publishing.get(key);
    if (current) {
      current.queue.push(...frames);
      return current.ended;
    }
    const queue = [...frames];
    const { promise: ended, resolve } = Promise.withResolvers<boolean>();
    publishing.set(key, { queue, ended });
    void drain(key, queue).then(resolve);
    return ended;
  }

  async function idle(): Promise<void> {
    while (publishing.size > 0) await Promise.all(Array.from(publishing.values(), ({ ended }) => ended));
  }

  return {
    sendTo: (connectionId, key, frames) => sendTo(connectionId, key, frames),
    publish: async (key, frames) => void (await publishAll(key, frames)),
    unfollow,
    idle,
    async publishLast(key, frames) {
      if (!(await publishAll(key, frames))) return;
      for (const connectionId of await subscriptions.dropRequest(key)) {
        const cursor = cursorOf(connectionId, key);
        if (!cursor) continue;
        cursor.ends = true;
        if (cursor.phase === "live") closeCursor(cursor);
      }
    },
    async expectReceipt(connectionId, key) {
      const cursor = cursorOf(connectionId, key);
      const receipt: ExpectedReceipt = { connectionId, key, cursors: cursor ? [cursor] : [] };
      expected.add(receipt);
      try {
        const isToldElsewhere = !cursor && (await subscriptions.has(connectionId, key)) && receipt.cursors.length === 0;
        return {
          async send(frames) {
            if (isToldElsewhere) return;
            // What it follows by may still come to nothing: it does not any more.
            for (const one of receipt.cursors) one.stays ||= one.holders > 0 && !one.closed;
            await sendTo(
              connectionId,
              key,
              frames.filter(({ seq }) => !receipt.cursors.some((one) => one.tells(seq))),
            );
          },
          close: () => void expected.delete(receipt),
        };
      } catch (error) {
        expected.delete(receipt);
        throw error;
      }
    },
    async answer(connectionId, message, key) {
      const printed = printMessage(message);
      const text = key === undefined ? printed : await withLinks(connectionId, key, printed);
      onAnswer(connectionId, byteLength(text));
      await send(connectionId, text);
    },
    answerText: (connectionId, text) => send(connectionId, text),
    async hold(connectionId, key, after) {
      const cursor = openCursor(connectionId, key, after);
      cursor.ends = false;
      cursor.holders += 1;
      cursor.hold();
      const added = await subscriptions.add(connectionId, key);
      // What another process had still to tell is this one's to tell now.
      if (typeof added === "number") cursor.goBackTo(added);
      cursor.stays ||= added !== true && cursor.holders === 1;
      return added === true;
    },
    async release(connectionId, key, follows = true) {
      const cursor = cursorOf(connectionId, key);
      if (!cursor) return;
      cursor.holders -= 1;
      if (typeof follows === "number" && !cursor.stays) cursor.skipTo(follows);
      cursor.stays ||= follows !== false;
      if (cursor.holders > 0) return;
      await (cursor.stays ? told(cursor, cursor.release()) : unfollow(connectionId, key));
    },
    async follow(connectionId, key, after, endedAt) {
      const cursor = openCursor(connectionId, key, after);
      cursor.ends = false;
      cursor.stays = true;
      try {
        await subscriptions.add(connectionId, key);
        await cursor.follow(after);
        if (cursor.ends) closeCursor(cursor);
        else if (cursor.last === endedAt) await unfollow(connectionId, key);
      } catch (error) {
        // Its snapshot is told, and what follows would come after a gap: nothing but a lost connection says so to every client.
        await breakOff(cursor, error);
      }
    },
    async unfollowAll(connectionId) {
      for (const cursor of cursors.get(connectionId)?.values() ?? []) cursor.closed = true;
      cursors.delete(connectionId);
      await subscriptions.dropConnection(connectionId);
    },
    async catchUp(key) {
      for (const follower of await subscriptions.of(key)) if (follower.after !== undefined) await tell(follower, key, []);
    },
    async handOver() {
      await idle();
      const all = Array.from(cursors.values(), (ofConnection) => Array.from(ofConnection.values())).flat();
      await Promise.all(
        all.map(async (cursor) => {
          while (!cursor.closed && !(await subscriptions.handOver(cursor.connectionId, cursor.key, cursor.last)))
            await told(cursor, cursor.follow(cursor.last));
          closeCursor(cursor);
        }),
      );
    },
  };
}
