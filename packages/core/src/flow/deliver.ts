/**
 * Events to each subscriber: live ones in the order of their seq, missed ones by replay, with no gap and no repeat
 * between the two (P5, P6). Frames are printed once by the store; here they are only addressed.
 */
import { asError } from "../errors.ts";
import { printMessage, type ServerMessage } from "@streamer/protocol";
import type { Engine } from "../ports/engine.ts";
import type { Frame } from "../ports/events.ts";
import type { RequestKey } from "../ports/requests.ts";
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
  /** Replays what came after `after`, then goes on live. */
  follow(connectionId: string, key: RequestKey, after: number): Promise<void>;
}

/** Frames read at a time while replaying. */
const REPLAY_PAGE = 500;

type DeliverPorts = Pick<Engine, "subscriptions" | "events" | "channel" | "blobs" | "log">;

export function createDeliver(ports: DeliverPorts, linkMs: number, dropConnection: (connectionId: string) => Promise<void>): Deliver {
  const { subscriptions, events, channel, blobs, log } = ports;
  /** Per request, frames that wait for the publication before them: this is what keeps seq order. */
  const publishing = new Map<RequestKey, { readonly queue: Frame[]; ended: Promise<void> }>();
  /** Per replaying subscriber, live frames that wait for the replay to end. */
  const replaying = new Map<string, Frame[]>();

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
        await Promise.all(followers.map((connectionId) => pushOrHold(connectionId, key, batch)));
      }
    } catch (error) {
      log.error({ key, err: asError(error) }, "events could not be delivered; subscribers find them in the log");
    } finally {
      publishing.delete(key);
    }
  }

  async function pushOrHold(connectionId: string, key: RequestKey, frames: readonly Frame[]): Promise<void> {
    const held = replaying.get(slotOf(connectionId, key));
    if (held) {
      held.push(...frames);
      return;
    }
    try {
      await sendTo(connectionId, key, frames);
    } catch (error) {
      // Going on would leave a gap: a closed subscriber resumes after the last frame it got (P6).
      log.warn({ connection_id: connectionId, key, err: asError(error) }, "a push failed; the connection is closed so that it resumes");
      await channel.close(connectionId, 1011, "delivery failed, resume");
      await dropConnection(connectionId);
    }
  }

  async function replay(connectionId: string, key: RequestKey, after: number): Promise<number> {
    let last = after;
    for (;;) {
      const page = await events.after(key, last, REPLAY_PAGE);
      await sendTo(connectionId, key, page);
      last = page.at(-1)?.seq ?? last;
      if (page.length < REPLAY_PAGE) return last;
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

  return {
    sendTo,
    publish,
    async publishLast(key, frames) {
      await publish(key, frames);
      await subscriptions.dropRequest(key);
    },
    async answer(connectionId, message, key) {
      const text = printMessage(message);
      await send(connectionId, key === undefined ? text : await withLinks(key, text));
    },
    async follow(connectionId, key, after) {
      const slot = slotOf(connectionId, key);
      if (replaying.has(slot)) return;
      const held: Frame[] = [];
      replaying.set(slot, held);
      try {
        await subscriptions.add(connectionId, key);
        let last = await replay(connectionId, key, after);
        while (held.length > 0) {
          const batch = held.splice(0).filter(({ seq }) => seq > last);
          await sendTo(connectionId, key, batch);
          last = batch.at(-1)?.seq ?? last;
        }
      } finally {
        replaying.delete(slot);
      }
    },
  };
}

const slotOf = (connectionId: string, key: RequestKey): string => `${connectionId} ${key}`;
