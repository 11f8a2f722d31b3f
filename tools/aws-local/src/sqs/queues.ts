/** The queues of a stack, made from their declarations, with their dead-letter queues joined. */
import type { Stack } from "../assembly/stack.ts";
import type { Faults } from "../faults/faults.ts";
import { createQueue, type Queue } from "./queue.ts";

export interface Queues {
  byName(name: string): Queue | undefined;
  byArn(arn: string): Queue;
  readonly all: readonly Queue[];
}

/** SQS's own defaults. */
const DEFAULT_VISIBILITY_SECONDS = 30;
const DEFAULT_RETENTION_SECONDS = 345_600;

export function makeQueues(stack: Stack, decide?: Faults["message"]): Queues {
  const all: Queue[] = stack.all("AWS::SQS::Queue").map((declared) => {
    if (declared.text("FifoQueue") === "true") throw new Error(`${declared.id} is a FIFO queue: the local run has standard queues only.`);
    const redrive = declared.property("RedrivePolicy") as
      | { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number }
      | undefined;
    const terms = {
      name: declared.text("QueueName") ?? declared.id,
      arn: stack.resolver.text({ "Fn::GetAtt": [declared.id, "Arn"] }, declared.id),
      visibilityMs: (declared.number("VisibilityTimeout") ?? DEFAULT_VISIBILITY_SECONDS) * 1_000,
      delayMs: (declared.number("DelaySeconds") ?? 0) * 1_000,
      retentionMs: (declared.number("MessageRetentionPeriod") ?? DEFAULT_RETENTION_SECONDS) * 1_000,
      redrive: redrive && { arn: redrive.deadLetterTargetArn, maxReceives: redrive.maxReceiveCount },
    };
    const queue = createQueue(terms, (arn, { body, messageAttributes }) => void byArn(arn).send(body, { delayMs: 0, messageAttributes }));
    return decide ? broken(queue, decide) : queue;
  });
  const byArn = (arn: string): Queue => {
    const found = all.find(({ terms }) => terms.arn === arn);
    if (!found) throw new Error(`The stack has no queue ${arn}.`);
    return found;
  };
  return { all, byArn, byName: (name) => all.find(({ terms }) => terms.name === name) };
}

function broken(queue: Queue, decide: NonNullable<Faults["message"]>): Queue {
  return {
    ...queue,
    send: (body, options = {}) => {
      const fault = decide({ queue: queue.terms.name, body });
      const { delayMs = queue.terms.delayMs } = options;
      if (fault?.kind === "double") queue.send(body, { ...options, delayMs: delayMs + fault.afterMs });
      return queue.send(body, fault?.kind === "late" ? { ...options, delayMs: delayMs + fault.ms } : options);
    },
  };
}
