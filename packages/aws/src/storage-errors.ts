/**
 * Failures of tables and bucket as typed errors: throttled beyond patience, unreachable, refused. What is an answer stays as
 * it is and is read by whoever asked: refused conditions, cancelled transactions, an object that is not there, a call that
 * was called off.
 */
import { asError, StreamerError } from "@streamer/core";

const ANSWERS = new Set([
  "ConditionalCheckFailedException",
  "TransactionCanceledException",
  "TransactionConflictException",
  "NoSuchKey",
  "NotFound",
  "PreconditionFailed",
  "ConditionalRequestConflict",
  "AbortError",
]);
/** By then a burst that was throttled is over, or DynamoDB has split the partition that took it. */
const TRY_AGAIN_MS = 1_000;

/** The error that a failure of the store is told as; an answer is itself. */
export function storageError(thrown: unknown): Error {
  const error = asError(thrown);
  if (ANSWERS.has(error.name)) return error;
  return new StreamerError("STORAGE_ERROR", "The store failed; whether it took the change is not known. Send it again under the same id.", {
    cause: error,
    afterMs: TRY_AGAIN_MS,
  });
}

/** The client of an AWS service, whose failures are StreamerErrors. */
export function withStorageErrors<Client extends { send(...values: never[]): unknown }>(client: Client): Client {
  const send = async (...values: never[]): Promise<unknown> => {
    try {
      return await client.send(...values);
    } catch (error) {
      throw storageError(error);
    }
  };
  return new Proxy(client, { get: (target, name, receiver) => (name === "send" ? send : Reflect.get(target, name, receiver)) });
}
