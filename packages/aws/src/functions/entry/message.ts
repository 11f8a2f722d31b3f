/**
 * One frame from a client: greeted first if it has not been, then answered, by pushes. The answer to API Gateway says only
 * that it was dealt with. A sync run that outlives this function is handed back to the queue.
 */
import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2, Context } from "aws-lambda";
import { printMessage, wireError, type WireError } from "@streamer/protocol";
import type { AnyHandler } from "@streamer/core";
import type { Caller } from "../../connections.ts";
import { createRuntime, type Runtime } from "../runtime.ts";
import { readEnvironment } from "../settings.ts";

/** API Gateway waits 29 s for an answer; the function ends no later. */
const TERMS = { handBackMs: 5_000, graceMs: 2_000, requireCheckpoint: false } as const;

export function createMessage({ engine, streamer, invoke }: Pick<Runtime, "engine" | "streamer" | "invoke">) {
  const { connections, channel, clock } = engine;

  /** Why a connection has to end, if it has to. */
  function refusalOf({ connection, refusal }: Caller): WireError | undefined {
    if (refusal !== undefined) return JSON.parse(refusal) as WireError;
    const isOver = connection.expiresAt !== undefined && connection.expiresAt <= clock.now();
    return isOver ? wireError("UNAUTHORIZED", "The token has expired. Get a new one, connect again and resume.") : undefined;
  }

  const say = (connectionId: string, error: WireError) =>
    channel.send(connectionId, { text: printMessage({ type: "error", timestamp: Math.round(clock.now()), error }) });

  async function answer({
    requestContext: { connectionId },
    body = "",
    isBase64Encoded,
  }: APIGatewayProxyWebsocketEventV2): Promise<number> {
    const caller = await connections.caller(connectionId);
    if (!caller) {
      await channel.close(connectionId, 1008, "unknown connection");
      return 410;
    }
    const refusal = refusalOf(caller);
    if (refusal) {
      await say(connectionId, refusal);
      await channel.close(connectionId, 1008, refusal.code);
      await streamer.disconnect(connectionId);
      return 200;
    }
    if (caller.ungreeted && (await connections.markGreeted(connectionId))) await streamer.greet(connectionId);
    if (isBase64Encoded) await streamer.refuseBinary(connectionId);
    else await streamer.receive(connectionId, body);
    return 200;
  }

  return (event: APIGatewayProxyWebsocketEventV2, context: Context): Promise<APIGatewayProxyResultV2> =>
    invoke(context, TERMS, async () => ({ statusCode: await answer(event) }));
}

/** Requests are not run here but at once or by the work function: no slots. */
export const createHandler = (handlers: readonly AnyHandler[]) =>
  createMessage(createRuntime(handlers, readEnvironment(process.env), { takesQueued: false }));
