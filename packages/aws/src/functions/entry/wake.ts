/**
 * Messages whose time has come, and work invocations that died. Late, early and repeated ones are harmless: each only
 * looks at what there is. A message that fails is reported, and comes again.
 */
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { asError, type AnyHandler, type RequestKey } from "@streamer/core";
import { apologize } from "../apologize.ts";
import { expire } from "../expire.ts";
import { invokeWorkFromEnvironment, type InvokeWork } from "../invoke-work.ts";
import { createRuntime, type Runtime } from "../runtime.ts";
import { readEnvironment } from "../settings.ts";
import { tellEnds } from "../tell-ends.ts";
import type { DelayedMessage } from "../../wakeups.ts";

const TERMS = { handBackMs: 2_000, graceMs: 1_000, requireCheckpoint: false } as const;

/** What Lambda sends to the destination of an asynchronous invocation that failed ("Retaining records of invocations"). */
interface FailedInvocation {
  readonly requestContext: { readonly requestId: string };
  readonly requestPayload: { readonly key: RequestKey };
}

export function createWake({ engine, streamer, invoke, log }: Runtime, invokeWork: InvokeWork) {
  async function obey(message: DelayedMessage | FailedInvocation): Promise<void> {
    if ("requestContext" in message) {
      // The process is gone, whatever its leases and holds say: nobody has to wait for them to end.
      const { requestId: processId } = message.requestContext;
      const { ran, untold } = await engine.requests.endLeases(processId);
      const asked = message.requestPayload.key;
      await Promise.all([asked, ...ran, ...untold].map((key) => engine.subscriptions.endHolds(key, processId)));
      await streamer.recover();
      await tellEnds({ engine, streamer, log }, untold);
      return streamer.catchUp(asked);
    }
    switch (message.kind) {
      case "run":
        return invokeWork({ key: message.key });
      case "tell":
        return streamer.catchUp(message.key);
      case "answer":
        return apologize(engine, message.key);
      case "expire":
        return expire({ engine, streamer }, message.connectionId);
      default:
        throw new TypeError(`There is no message of the kind ${JSON.stringify((message as { kind: unknown }).kind)}.`);
    }
  }

  async function take({ body, messageId }: SQSRecord): Promise<{ readonly itemIdentifier: string } | undefined> {
    try {
      await obey(JSON.parse(body) as DelayedMessage | FailedInvocation);
      return undefined;
    } catch (error) {
      log.error({ err: asError(error), message_id: messageId }, "a message could not be obeyed; it comes again");
      return { itemIdentifier: messageId };
    }
  }

  return ({ Records }: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
    invoke(context, TERMS, async () => {
      const failures = await Promise.all(Records.map(take));
      return { batchItemFailures: failures.filter((failure) => failure !== undefined) };
    });
}

export const createHandler = (handlers: readonly AnyHandler[]) =>
  createWake(createRuntime(handlers, readEnvironment(process.env), { takesQueued: false }), invokeWorkFromEnvironment());
