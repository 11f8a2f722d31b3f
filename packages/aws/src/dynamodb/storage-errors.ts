/**
 * Failures of the store as typed errors: throttled beyond patience, unreachable, refused. Refused conditions and cancelled
 * transactions are no failures; the verbs read them.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { asError, StreamerError } from "@streamer/core";

const ANSWERS = new Set(["ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"]);
/** By then a burst that was throttled is over, or DynamoDB has split the partition that took it. */
const TRY_AGAIN_MS = 1_000;

/** The client, whose failures are StreamerErrors. */
export function withStorageErrors(client: DynamoDBClient): DynamoDBClient {
  const send = async (...values: unknown[]): Promise<unknown> => {
    try {
      return await (client.send as (...given: unknown[]) => Promise<unknown>).apply(client, values);
    } catch (thrown) {
      const error = asError(thrown);
      if (ANSWERS.has(error.name)) throw error;
      throw new StreamerError(
        "STORAGE_ERROR",
        `The store failed (${error.name}); whether it took the change is not known. Send it again under the same id.`,
        { cause: error, afterMs: TRY_AGAIN_MS },
      );
    }
  };
  return new Proxy(client, { get: (target, name, receiver) => (name === "send" ? send : Reflect.get(target, name, receiver)) });
}
