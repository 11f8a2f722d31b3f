/** SQS's JSON protocol over the queues: what functions send by, and what tests look with. */
import { jsonReply, serve, ServiceError, type Service } from "../http.ts";
import { sqsAccess } from "../iam/actions.ts";
import type { Gate } from "../iam/gate.ts";
import type { Queue, Received } from "./queue.ts";
import type { Queues } from "./queues.ts";

interface Entry {
  readonly Id?: string;
  readonly MessageBody?: string;
  readonly DelaySeconds?: number;
  readonly MessageAttributes?: Readonly<Record<string, unknown>>;
  readonly ReceiptHandle?: string;
  readonly VisibilityTimeout?: number;
}
interface SqsRequest extends Entry {
  readonly QueueUrl?: string;
  readonly QueueName?: string;
  readonly Entries?: readonly Entry[];
  readonly MaxNumberOfMessages?: number;
  readonly WaitTimeSeconds?: number;
}

/** "Amazon SQS message quotas": one message, and all of a batch. */
const MESSAGE_BYTES = 1_048_576;
const BATCH_ENTRIES = 10;
const DELAY_SECONDS = 900;

export function serveSqs(queues: () => Queues, gate: Gate): Promise<Service> {
  return serve(async ({ headers, url, body }) => {
    const operation = String(headers["x-amz-target"] ?? "").split(".")[1] ?? "";
    const asked = JSON.parse(body.toString("utf8") || "{}") as SqsRequest;
    const name = asked.QueueName ?? asked.QueueUrl?.split("/").at(-1) ?? "";
    const queue = queues().byName(name);
    gate.check(headers, url, () => sqsAccess(operation, queue?.terms.arn ?? name));
    const act = OPERATIONS[operation];
    if (!act) throw new ServiceError("UnknownOperationException", 400, `The local SQS does not know ${operation}.`);
    if (!queue) throw new ServiceError("QueueDoesNotExist", 400, `The specified queue does not exist: ${name}.`);
    return jsonReply(await act(queue, asked));
  });
}

const OPERATIONS: Readonly<Record<string, (queue: Queue, asked: SqsRequest) => unknown>> = {
  GetQueueUrl: (_, { QueueUrl }) => ({ QueueUrl }),
  SendMessage: (queue, asked) => send(queue, asked),
  SendMessageBatch: (queue, { Entries = [] }) => {
    const totalBytes = Entries.reduce((sum, { MessageBody = "" }) => sum + Buffer.byteLength(MessageBody), 0);
    if (totalBytes > MESSAGE_BYTES)
      throw new ServiceError("BatchRequestTooLong", 400, "Batch requests cannot be longer than 1048576 bytes.");
    return batch(Entries, (entry) => send(queue, entry));
  },
  ReceiveMessage: async (queue, { MaxNumberOfMessages = 1, WaitTimeSeconds = 0, VisibilityTimeout }) => {
    const received = await queue.receive({
      count: MaxNumberOfMessages,
      waitMs: WaitTimeSeconds * 1_000,
      visibilityMs: VisibilityTimeout === undefined ? undefined : VisibilityTimeout * 1_000,
    });
    return { Messages: received.map(message) };
  },
  DeleteMessage: (queue, { ReceiptHandle = "" }) => {
    queue.remove(ReceiptHandle);
    return {};
  },
  DeleteMessageBatch: (queue, { Entries = [] }) => batch(Entries, ({ ReceiptHandle = "" }) => queue.remove(ReceiptHandle)),
  ChangeMessageVisibility: (queue, entry) => changeVisibility(queue, entry),
  PurgeQueue: (queue) => {
    queue.purge();
    return {};
  },
  GetQueueAttributes: ({ terms, counts }) => {
    const { visible, hidden, delayed } = counts();
    return {
      Attributes: {
        QueueArn: terms.arn,
        ApproximateNumberOfMessages: String(visible),
        ApproximateNumberOfMessagesNotVisible: String(hidden),
        ApproximateNumberOfMessagesDelayed: String(delayed),
        VisibilityTimeout: String(terms.visibilityMs / 1_000),
        DelaySeconds: String(terms.delayMs / 1_000),
      },
    };
  },
};

function send(queue: Queue, { MessageBody, DelaySeconds, MessageAttributes }: Entry): object {
  if (!MessageBody) throw new ServiceError("MissingParameter", 400, "The request must contain the parameter MessageBody.");
  if (Buffer.byteLength(MessageBody) > MESSAGE_BYTES)
    throw invalid(`One or more parameters are invalid. Reason: Message must be shorter than ${MESSAGE_BYTES} bytes.`);
  if (DelaySeconds !== undefined && !(Number.isInteger(DelaySeconds) && DelaySeconds >= 0 && DelaySeconds <= DELAY_SECONDS)) {
    throw invalid(
      `Value ${DelaySeconds} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= ${DELAY_SECONDS}.`,
    );
  }
  const { messageId, md5 } = queue.send(MessageBody, {
    ...(DelaySeconds !== undefined && { delayMs: DelaySeconds * 1_000 }),
    ...(MessageAttributes && { messageAttributes: MessageAttributes }),
  });
  return { MessageId: messageId, MD5OfMessageBody: md5 };
}

function changeVisibility(queue: Queue, { ReceiptHandle = "", VisibilityTimeout = 0 }: Entry): object {
  if (!queue.changeVisibility(ReceiptHandle, VisibilityTimeout * 1_000))
    throw new ServiceError("MessageNotInflight", 400, "The message is not in flight.");
  return {};
}

function batch(entries: readonly Entry[], act: (entry: Entry) => object | void): object {
  if (entries.length === 0) throw new ServiceError("EmptyBatchRequest", 400, "There should be at least one entry in the request.");
  if (entries.length > BATCH_ENTRIES)
    throw new ServiceError("TooManyEntriesInBatchRequest", 400, `Maximum number of entries per request are ${BATCH_ENTRIES}.`);
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...act(entry) });
    } catch (error) {
      const { type, message: reason } = error as ServiceError;
      Failed.push({ Id: entry.Id, Code: type, Message: reason, SenderFault: true });
    }
  }
  return { Successful, Failed };
}

const invalid = (message: string): ServiceError => new ServiceError("InvalidParameterValue", 400, message);

const message = ({ messageId, receiptHandle, body, md5, receiveCount, sentAt, firstReceivedAt, messageAttributes }: Received): object => ({
  MessageId: messageId,
  ReceiptHandle: receiptHandle,
  Body: body,
  MD5OfBody: md5,
  Attributes: {
    ApproximateReceiveCount: String(receiveCount),
    SentTimestamp: String(sentAt),
    ApproximateFirstReceiveTimestamp: String(firstReceivedAt),
  },
  MessageAttributes: messageAttributes,
});
