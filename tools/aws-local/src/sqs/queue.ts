/**
 * A standard queue: messages become visible after their delay, hide while someone works on them, come back when they were
 * not deleted in time, and go to the dead-letter queue when they came back too often.
 */
import { createHash, randomUUID } from "node:crypto";

interface Sent {
  readonly messageId: string;
  readonly md5: string;
}
export interface Received extends Sent {
  readonly body: string;
  readonly receiptHandle: string;
  readonly receiveCount: number;
  readonly sentAt: number;
  readonly firstReceivedAt: number;
  readonly messageAttributes: Readonly<Record<string, unknown>>;
}
export interface QueueTerms {
  readonly name: string;
  readonly arn: string;
  readonly visibilityMs: number;
  readonly delayMs: number;
  readonly retentionMs: number;
  readonly redrive: { readonly arn: string; readonly maxReceives: number } | undefined;
}
interface Wanted {
  readonly count: number;
  readonly waitMs: number;
  readonly visibilityMs?: number | undefined;
}
export interface Queue {
  readonly terms: QueueTerms;
  send(body: string, options?: { readonly delayMs?: number; readonly messageAttributes?: Readonly<Record<string, unknown>> }): Sent;
  receive(wanted: Wanted, signal?: AbortSignal): Promise<readonly Received[]>;
  remove(receiptHandle: string): void;
  changeVisibility(receiptHandle: string, visibilityMs: number): boolean;
  purge(): void;
  counts(): { readonly visible: number; readonly hidden: number; readonly delayed: number };
  stop(): void;
}

interface Message extends Sent {
  readonly body: string;
  readonly messageAttributes: Readonly<Record<string, unknown>>;
  readonly sentAt: number;
  visibleAt: number;
  receiptHandle: string | undefined;
  receiveCount: number;
  firstReceivedAt: number;
}

/** `deadLetter` takes what came back too often. */
export function createQueue(
  terms: QueueTerms,
  deadLetter: (arn: string, message: { readonly body: string; readonly messageAttributes: Message["messageAttributes"] }) => void,
): Queue {
  const messages = new Map<string, Message>();
  const waiting = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;

  const expire = (now: number): void => {
    for (const { messageId, sentAt } of messages.values()) if (now - sentAt > terms.retentionMs) messages.delete(messageId);
  };
  /** One timer, for the next message that becomes visible while someone waits. */
  const schedule = (): void => {
    clearTimeout(timer);
    if (waiting.size === 0) return;
    const next = Math.min(...Array.from(messages.values(), ({ visibleAt }) => visibleAt));
    if (next === Infinity) return;
    timer = setTimeout(
      () => {
        for (const look of waiting) look();
        // A timer may fire a moment early; and others may still wait for the message after this one.
        schedule();
      },
      Math.max(1, next - Date.now()),
    );
  };
  const take = (count: number, visibilityMs: number): readonly Received[] => {
    const now = Date.now();
    expire(now);
    const taken: Received[] = [];
    for (const message of messages.values()) {
      if (taken.length >= count) break;
      if (message.visibleAt > now) continue;
      if (terms.redrive && message.receiveCount >= terms.redrive.maxReceives) {
        messages.delete(message.messageId);
        deadLetter(terms.redrive.arn, message);
        continue;
      }
      message.receiveCount += 1;
      message.firstReceivedAt ||= now;
      message.visibleAt = now + visibilityMs;
      const receiptHandle = `${message.messageId}#${randomUUID()}`;
      message.receiptHandle = receiptHandle;
      taken.push({ ...message, receiptHandle });
    }
    return taken;
  };
  const held = (receiptHandle: string): Message | undefined => messages.get(receiptHandle.split("#")[0] ?? "");

  return {
    terms,
    send: (body, { delayMs = terms.delayMs, messageAttributes = {} } = {}) => {
      const now = Date.now();
      const sent = { messageId: randomUUID(), md5: createHash("md5").update(body).digest("hex") };
      messages.set(sent.messageId, {
        ...sent,
        body,
        messageAttributes,
        sentAt: now,
        visibleAt: now + delayMs,
        receiptHandle: undefined,
        receiveCount: 0,
        firstReceivedAt: 0,
      });
      schedule();
      return sent;
    },
    receive: ({ count, waitMs, visibilityMs = terms.visibilityMs }, signal) => {
      const first = take(count, visibilityMs);
      if (first.length > 0 || waitMs === 0 || signal?.aborted) return Promise.resolve(first);
      return new Promise((resolve) => {
        const leave = (taken: readonly Received[]): void => {
          clearTimeout(limit);
          waiting.delete(look);
          signal?.removeEventListener("abort", giveUp);
          schedule();
          resolve(taken);
        };
        const look = (): void => {
          const taken = take(count, visibilityMs);
          if (taken.length > 0) leave(taken);
        };
        const giveUp = (): void => leave([]);
        const limit = setTimeout(giveUp, waitMs);
        signal?.addEventListener("abort", giveUp);
        waiting.add(look);
        schedule();
      });
    },
    // Only the newest receipt counts, as AWS recommends to rely on.
    remove: (receiptHandle) => {
      const message = held(receiptHandle);
      if (message?.receiptHandle === receiptHandle) messages.delete(message.messageId);
    },
    changeVisibility: (receiptHandle, visibilityMs) => {
      const message = held(receiptHandle);
      if (message?.receiptHandle !== receiptHandle) return false;
      message.visibleAt = Date.now() + visibilityMs;
      schedule();
      return true;
    },
    purge: () => messages.clear(),
    counts: () => {
      const now = Date.now();
      expire(now);
      const all = Array.from(messages.values());
      return {
        visible: all.filter(({ visibleAt }) => visibleAt <= now).length,
        hidden: all.filter(({ visibleAt, receiveCount }) => visibleAt > now && receiveCount > 0).length,
        delayed: all.filter(({ visibleAt, receiveCount }) => visibleAt > now && receiveCount === 0).length,
      };
    },
    stop: () => clearTimeout(timer),
  };
}
