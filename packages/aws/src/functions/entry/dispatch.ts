/**
 * Stream records of requests that became runnable: each is handed to the work function by an asynchronous invocation and
 * nothing else is done here, so a long job never blocks a shard. A record may come twice, and two claims of one request
 * are one run (P3). What cannot be handed over is reported, and comes again; what can never be is parked.
 */
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import { asError, type Log, type RequestKey } from "@streamer/core";
import { createLog } from "../../log.ts";
import { invokeWorkFromEnvironment, type InvokeWork } from "../invoke-work.ts";

export function createDispatch(invokeWork: InvokeWork, log: Log) {
  async function hand(record: DynamoDBRecord): Promise<{ readonly itemIdentifier: string } | undefined> {
    try {
      const key = record.dynamodb?.NewImage?.["key"]?.S;
      if (key === undefined) throw new TypeError("The record has no request key.");
      await invokeWork({ key: key as RequestKey });
      return undefined;
    } catch (error) {
      log.error({ err: asError(error), event_id: record.eventID }, "a stream record could not be handed to the work function");
      return { itemIdentifier: record.dynamodb?.SequenceNumber ?? "" };
    }
  }
  return async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    const failures = await Promise.all(Records.map(hand));
    return { batchItemFailures: failures.filter((failure) => failure !== undefined) };
  };
}

let dispatch: ReturnType<typeof createDispatch> | undefined;
export const handler = (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> =>
  (dispatch ??= createDispatch(
    invokeWorkFromEnvironment(),
    createLog("info", (line) => void process.stdout.write(line)),
  ))(event);
