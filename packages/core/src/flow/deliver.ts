/**
 * Events to each subscriber: live ones in the order of their seq, missed ones by replay, with no gap and no repeat
 * between the two (P5, P6). Frames are printed once by the store; here they are only addressed.
 */
import { asError } from "../errors.ts";
import { printMessage, type ServerMessage } from "@streamer/protocol";
import type { Engine } from "../ports/engine.ts";
import type { Frame } from "../ports/events.ts";
import type { RequestKey } from "../ports/requests.ts";
import type { Follower } from "../ports/subscriptions.ts";
import { signLinks } from "../rules/blob-links.ts";
import { blobPrefix } from "../rules/identity.ts";

export interface Deliver {
  /** Sends committed frames of one request to everyone who follows it. */
  publish(key: RequestKey, frames: readonly Frame[]): Promise<void>;
  /** The same for the frames that end a request: nobody has to follow it any longer. */
  publishLast(key: RequestKey, frames: readonly Frame[]): Promise<void>;
  /** Sends committed frames of one request to one connection alone. */
  sendTo(connectionId: string, key: RequestKey, frames: readonly Frame[]): Promise<void>;
  /** Answers one connection with something that is no event. `key` names the request whose links it may hold. */
  answer(connectionId: string, message: ServerMessage, key?: RequestKey): Promise<void>;
  /** Keeps live frames from one connection until `release` or `follow`: it is still unknown what has to come before. */
  hold(connectionId: string, key: RequestKey): void;
  /** Lets held frames go. */
  release(connectionId: string, key: RequestKey): Promise<void>;
  /**
   * Replays what came after `after`, then goes on live. With `endedAt`, the seq at which the request had ended, nothing
   * more is to come: unless the replay shows otherwise, the subscription goes again.
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

/** How far one subscriber has been told of one request: what it has had is not sent again, whoever sends it (P6). */
interface Cursor {
  last: number;
  /** Live frames that wait until it is known what comes before them. */
  held: Frame[] | undefined;
  /** Live frames are not kept meanwhile, however slow the client: they are in the log, where the replay finds them (P11). */
  isReplaying: boolean;
  hasMissed: boolean;
  /** The push under way. */
  pushing: Promise<void>;
}

/** Frames read at a time while replaying. */
const REPLAY_PAGE = 500;

type DeliverPorts = Pick<Engine, "subscriptions" | "events" | "channel" | "blobs" | "log">;

export function createDeliver(ports: DeliverPorts, linkMs: number, dropConnection: (connectionId: string) => Promise<void>): Deliver {
  const { subscriptions, events, channel, blobs, log } = ports;
  /** Per request, frames that wait for the publication before them: this is what keeps seq order. */
  const publishing = new Map<RequestKey, { readonly queue: Frame[]; ended: Promise<void> }>();
  const cursors = new Map<string, Map<RequestKey, Cursor>>();

  const withLinks = (key: RequestKey, text: string): string | Promise<string> =>
    signLinks(text, (name) => blobs.sign(blobPrefix(key) + name, linkMs));

  async function send(connectionId: string, text: string, coalesceKey?: string): Promise<void> {
    const outcome = await channel.send(connectionId, coalesceKey === undefined ? { text } : { text, coalesceKey });
    if (outcome !== "sent") await dropConnection(connectionId);
  }

  async function sendTo(connectionId: string, key: RequestKey, frames: readonly Frame[]): Promise<void> {
    for (const { text, kind } of frames) await send(connectionId, await withLinks(key, text), kind === "progress" ? key : undefined);
  }

  async function drain(key: RequestKey, queue: Frame[]): Promise<void> {
    try {
      while (queue.length > 0) {
        const batch = queue.splice(0);
        const followers = await subscriptions.of(key);
        await Promise.all(followers.map((follower) => pushOrHold(follower, key, batch)));
      }
    } catch (error) {
      log.error({ key, err: asError(error) }, "events could not be delivered; subscribers find them in the log");
    } finally {
      publishing.delete(key);
    }
  }

  function cursorOf(connectionId: string, key: RequestKey): Cursor {
    let ofConnection = cursors.get(connectionId);
    if (!ofConnection) cursors.set(connectionId, (ofConnection = new Map<RequestKey, Cursor>()));
    let cursor = ofConnection.get(key);
    if (!cursor)
      ofConnection.set(key, (cursor = { last: 0, held: undefined, isReplaying: false, hasMissed: false, pushing: Promise.resolve() }));
    return cursor;
  }

  function forget(connectionId: string, key: RequestKey): void {
    const ofConnection = cursors.get(connectionId);
    ofConnection?.delete(key);
    if (ofConnection?.size === 0) cursors.delete(connectionId);
  }

  async function unfollow(connectionId: string, key: RequestKey): Promise<void> {
    await subscriptions.remove(connectionId, key);
    forget(connectionId, key);
  }

  async function sendFresh(connectionId: string, key: RequestKey, cursor: Cursor, frames: readonly Frame[]): Promise<void> {
    const fresh = frames.filter(({ seq }) => seq > cursor.last);
    cursor.last = fresh.at(-1)?.seq ?? cursor.last;
    await sendTo(connectionId, key, fresh);
  }

  async function push(connectionId: string, key: RequestKey, cursor: Cursor, frames: readonly Frame[]): Promise<void> {
    try {
      await sendFresh(connectionId, key, cursor, frames);
    } catch (error) {
      await giveUpOn(connectionId, key, error);
    }
  }

  /** Going on would leave a gap: a closed subscriber resumes after the last frame it got (P6). */
  async function giveUpOn(connectionId: string, key: RequestKey, error: unknown): Promise<void> {
    log.warn({ connection_id: connectionId, key, err: asError(error) }, "a push failed; the connection is closed so that it resumes");
    await channel.close(connectionId, 1011, "delivery failed, resume");
    await dropConnection(connectionId);
  }

  async function pushOrHold({ connectionId, after }: Follower, key: RequestKey, frames: readonly Frame[]): Promise<void> {
    const cursor = cursorOf(connectionId, key);
    if (cursor.isReplaying) cursor.hasMissed = true;
    else if (after !== undefined) await (cursor.pushing = takeOver(connectionId, key, cursor, after));
    else if (cursor.held) cursor.held.push(...frames);
    else await (cursor.pushing = push(connectionId, key, cursor, frames));
  }

  async function release(connectionId: string, key: RequestKey): Promise<void> {
    const cursor = cursors.get(connectionId)?.get(key);
    while (cursor?.held && cursor.held.length > 0) await push(connectionId, key, cursor, cursor.held.splice(0));
    if (cursor) cursor.held = undefined;
  }

  /** At the client's pace, until there is nothing left in the log, or nobody who asks for it. */
  async function replay(connectionId: string, key: RequestKey, cursor: Cursor): Promise<void> {
    for (let page: readonly Frame[] = []; page.length === REPLAY_PAGE || cursor.hasMissed;) {
      cursor.hasMissed = false;
      page = await events.after(key, cursor.last, REPLAY_PAGE);
      for (const frame of page) {
        await channel.ready(connectionId);
        if (cursors.get(connectionId)?.get(key) !== cursor) return;
        await sendFresh(connectionId, key, cursor, [frame]);
      }
    }
  }

  /** Another process told this follower, or wrote meanwhile: the log has what it has not been told, new frames included. */
  async function takeOver(connectionId: string, key: RequestKey, cursor: Cursor, after: number): Promise<void> {
    cursor.isReplaying = true;
    cursor.hasMissed = true;
    cursor.last = Math.max(cursor.last, after);
    try {
      await replay(connectionId, key, cursor);
    } catch (error) {
      await giveUpOn(connectionId, key, error);
    } finally {
      cursor.isReplaying = false;
    }
  }

  function publish(key: RequestKey, frames: readonly Frame[]): Promise<void> {
    if (frames.length === 0) return Promise.resolve();
    const current = publishing.get(key);
    if (current) {
      current.queue.push(...frames);
      return current.ended;
    }
    const publication = { queue: [...frames], ended: Promise.resolve() };
    publishing.set(key, publication);
    publication.ended = drain(key, publication.queue);
    return publication.ended;
  }

  async function idle(): Promise<void> {
    while (publishing.size > 0) await Promise.all(Array.from(publishing.values(), ({ ended }) => ended));
  }

  return {
    sendTo,
    publish,
    async publishLast(key, frames) {
      await publish(key, frames);
      for (const connectionId of await subscriptions.dropRequest(key)) {
        const cursor = cursors.get(connectionId)?.get(key);
        if (!cursor?.held && !cursor?.isReplaying) forget(connectionId, key);
      }
    },
    async answer(connectionId, message, key) {
      const text = printMessage(message);
      await send(connectionId, key === undefined ? text : await withLinks(key, text));
    },
    hold(connectionId, key) {
      cursorOf(connectionId, key).held ??= [];
    },
    release,
    unfollow,
    idle,
    async catchUp(key) {
      for (const follower of await subscriptions.of(key)) if (follower.after !== undefined) await pushOrHold(follower, key, []);
    },
    async handOver() {
      await idle();
      const told = Array.from(cursors, ([connectionId, ofConnection]) =>
        Array.from(ofConnection, ([key, cursor]) => ({ connectionId, key, cursor })),
      );
      await Promise.all(
        told.flat().map(async ({ connectionId, key, cursor }) => {
          while (!(await subscriptions.handOver(connectionId, key, cursor.last))) await takeOver(connectionId, key, cursor, cursor.last);
          forget(connectionId, key);
        }),
      );
    },
    async unfollowAll(connectionId) {
      cursors.delete(connectionId);
      await subscriptions.dropConnection(connectionId);
    },
    async follow(connectionId, key, after, endedAt) {
      const cursor = cursorOf(connectionId, key);
      if (cursor.isReplaying) return;
      cursor.isReplaying = true;
      cursor.held = undefined;
      try {
        await subscriptions.add(connectionId, key);
        await cursor.pushing;
        cursor.last = after;
        cursor.hasMissed = true;
        await replay(connectionId, key, cursor);
        cursor.isReplaying = false;
        if (cursor.last === endedAt) await unfollow(connectionId, key);
      } catch (error) {
        // What follows would come after a gap: the client is told, and subscribes again.
        await unfollow(connectionId, key);
        throw error;
      }
    },
  };
}
