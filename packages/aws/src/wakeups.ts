/**
 * "Call me at t" by a queue whose messages wait: SQS keeps one up to 15 minutes, to the second. What lies further away
 * needs no message yet: the sweep looks ahead each minute and sends one in time. So each wakeup costs one message,
 * whenever it is (a row says whether it has one: rows.ts, `has_wakeup`), where a one-shot schedule would cost two and a half times as much (docs/deploy-aws.md, "Cost").
 */
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Clock, RequestKey, Wakeups } from "@streamer/core";

export type DelayedMessage =
  /** A request becomes runnable. */
  | { readonly kind: "run"; readonly key: RequestKey }
  /** A process that told followers of this request may have died: tell them what it left. */
  | { readonly kind: "tell"; readonly key: RequestKey }
  /** A run that others wait for the answer of may have died (answers.ts). */
  | { readonly kind: "answer"; readonly key: RequestKey }
  /** The token of a connection runs out. */
  | { readonly kind: "expire"; readonly connectionId: string };

export interface DelayQueue {
  send(message: DelayedMessage, delayMs: number): Promise<void>;
}

/** SQS: "DelaySeconds", 0 to 900. */
const MAX_DELAY_SECONDS = 900;
export const MAX_DELAY_MS = MAX_DELAY_SECONDS * 1_000;

export function createDelayQueue(client: SQSClient, queueUrl: string): DelayQueue {
  return {
    send: async (message, delayMs) => {
      const DelaySeconds = Math.min(MAX_DELAY_SECONDS, Math.max(0, Math.ceil(delayMs / 1_000)));
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message), DelaySeconds }));
    },
  };
}

export function createWakeups(queue: DelayQueue, clock: Pick<Clock, "now">): Wakeups {
  return {
    at: async (timeMs, key) => {
      const delayMs = timeMs - clock.now();
      if (delayMs <= MAX_DELAY_MS) await queue.send({ kind: "run", key }, delayMs);
    },
  };
}
