/**
 * Says what API Gateway says of a frame whose function failed, to those who waited for another's answer when that one died:
 * a client then says again what is unanswered (docs/protocol.md §11).
 */
import type { RequestKey } from "@streamer/core";
import type { AwsEngine } from "../engine.ts";

export async function apologize(
  { answers, channel, makeId }: Pick<AwsEngine, "answers" | "channel" | "makeId">,
  key: RequestKey,
): Promise<void> {
  const askers = await answers.abandoned(key);
  await Promise.all(
    askers.map(async (connectionId) =>
      channel.send(connectionId, { text: JSON.stringify({ message: "Internal server error", connectionId, requestId: makeId() }) }),
    ),
  );
}
