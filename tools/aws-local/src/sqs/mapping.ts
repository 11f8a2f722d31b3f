/**
 * Event source mapping of a queue: pollers receive batches and invoke the function; what it reports as failed, or all of a
 * batch when it fails, becomes visible again after the visibility timeout.
 */
import type { MappingPlan } from "../assembly/sources.ts";
import type { Registered } from "../lambda/registry.ts";
import { passes } from "../streams/filter.ts";
import type { Json } from "../assembly/template.ts";
import type { Queue, Received } from "./queue.ts";

export interface Mapping {
  stop(): void;
}

/** Lambda begins with five pollers. */
const POLLERS = 5;
const LONG_POLL_MS = 20_000;

export function mapQueue(plan: MappingPlan, queue: Queue, { fleet, arn }: Registered, region: string): Mapping {
  const stopping = new AbortController();

  const poll = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const received = await queue.receive({ count: plan.batchSize, waitMs: LONG_POLL_MS }, stopping.signal);
      const wanted = received.filter((message) => !plan.filters || passes(plan.filters, filtered(message)));
      // What no filter lets through is deleted, as Lambda does.
      for (const message of received) if (!wanted.includes(message)) queue.remove(message.receiptHandle);
      if (wanted.length === 0) continue;
      const slot = await fleet.reserve();
      if (!slot) return;
      const served = await slot.run(JSON.stringify({ Records: wanted.map((message) => record(message, queue.terms.arn, region)) }), arn);
      if (served.isError) continue;
      const failed = plan.reportsItemFailures ? failedIn(served.payload) : new Set<string>();
      for (const message of wanted) if (!failed.has(message.messageId)) queue.remove(message.receiptHandle);
    }
  };
  for (let n = 0; n < Math.min(POLLERS, plan.maximumConcurrency ?? POLLERS); n += 1) void poll();
  return { stop: () => stopping.abort() };
}

function failedIn(payload: string): ReadonlySet<string> {
  const answer = JSON.parse(payload) as { readonly batchItemFailures?: readonly { readonly itemIdentifier: string }[] } | null;
  return new Set(answer?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier));
}

/** A body that is JSON is matched inside. */
function filtered({ body, ...rest }: Received): Json {
  try {
    return { ...rest, body: JSON.parse(body) as Json } as unknown as Json;
  } catch {
    return { ...rest, body } as unknown as Json;
  }
}

const record = (message: Received, eventSourceARN: string, awsRegion: string): object => ({
  messageId: message.messageId,
  receiptHandle: message.receiptHandle,
  body: message.body,
  attributes: {
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentAt),
    SenderId: "local",
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
  },
  messageAttributes: message.messageAttributes,
  md5OfBody: message.md5,
  eventSource: "aws:sqs",
  eventSourceARN,
  awsRegion,
});
