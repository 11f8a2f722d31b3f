/**
 * ConnectionManager over API Gateway: one push at a time to each connection, since it promises no order for two at once
 * (P5). While a push is on its way, or waits out a throttle, newer progress takes the place of older (P11).
 *
 * API Gateway carries 128 KB in a message and bills in steps of 32 KB ("API Gateway quotas for WebSocket", "Pricing"):
 * larger frames go in parts of that size.
 */
import {
  DeleteConnectionCommand,
  GoneException,
  PostToConnectionCommand,
  type ApiGatewayManagementApiClient,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { API_GATEWAY_LIMITS, splitIntoParts } from "@streamer/protocol";
import type { Channel, Outgoing, SendOutcome } from "@streamer/core";
import type { Metrics } from "./functions/metrics.ts";

interface Waiting {
  text: string;
  readonly sent: PromiseWithResolvers<SendOutcome>;
}
interface Line {
  /** Frames that wait, in order: by coalesceKey, or by a number of their own. */
  readonly waiting: Map<string | number, Waiting>;
  pushing: Promise<void>;
}

export function createChannel(client: ApiGatewayManagementApiClient, metrics: Metrics, makeId: () => string): Channel {
  const lines = new Map<string, Line>();
  const bytes = new TextEncoder();
  let count = 0;

  async function push(connectionId: string, text: string): Promise<SendOutcome> {
    try {
      for (const part of splitIntoParts(text, API_GATEWAY_LIMITS.pushBytes, makeId)) {
        const { $metadata } = await client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: bytes.encode(part) }));
        metrics.add("Pushes");
        if (($metadata.attempts ?? 1) > 1) metrics.add("PushThrottled", $metadata.attempts! - 1);
      }
      return "sent";
    } catch (error) {
      if (!(error instanceof GoneException)) throw error;
      metrics.add("PushGone");
      return "gone";
    }
  }

  async function drain(connectionId: string, line: Line): Promise<void> {
    for (const [key, { text, sent }] of line.waiting) {
      line.waiting.delete(key);
      await push(connectionId, text).then(sent.resolve, sent.reject);
    }
    lines.delete(connectionId);
  }

  return {
    send: (connectionId, { text, coalesceKey }: Outgoing) => {
      let line = lines.get(connectionId);
      const isNew = !line;
      if (!line) lines.set(connectionId, (line = { waiting: new Map(), pushing: Promise.resolve() }));
      const key = coalesceKey ?? (count += 1);
      const replaced = line.waiting.get(key);
      // It stands where it was sent: after everything sent before it.
      line.waiting.delete(key);
      const waiting: Waiting = { text, sent: replaced?.sent ?? Promise.withResolvers<SendOutcome>() };
      line.waiting.set(key, waiting);
      if (isNew) line.pushing = drain(connectionId, line);
      return waiting.sent.promise;
    },
    // API Gateway takes what it is given and tells nobody how far a client has read.
    ready: () => Promise.resolve(),
    // Close codes are API Gateway's own: the frame before says why.
    close: async (connectionId) => {
      await lines.get(connectionId)?.pushing;
      try {
        await client.send(new DeleteConnectionCommand({ ConnectionId: connectionId }));
      } catch (error) {
        if (!(error instanceof GoneException)) throw error;
      }
    },
  };
}
