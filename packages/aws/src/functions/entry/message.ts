/**
 * One frame from a client: greeted first if it has not been, then answered, by pushes. The answer to API Gateway says only
 * that it was dealt with. A sync run that outlives this function is handed back to the queue. A user who sends more than
 * its part is refused, and cut off if it goes on: each frame costs an invocation, whatever is answered.
 */
import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2, Context } from "aws-lambda";
import { leadingIds, printMessage, wireError, type WireError } from "@streamer/protocol";
import type { AnyHandler, Connection } from "@streamer/core";
import type { Caller } from "../../connections.ts";
import { createRuntime, type AnsweringRuntime } from "../runtime.ts";
import { readEnvironment } from "../settings.ts";

/** API Gateway waits 29 s for an answer; the function ends no later. */
const TERMS = { handBackMs: 5_000, graceMs: 2_000, requireCheckpoint: false } as const;

/** Who was cut off comes back no sooner. */
const SHUT_OUT_MS = 60_000;

export function createMessage({ engine, streamer, pace, invoke }: Pick<AnsweringRuntime, "engine" | "streamer" | "pace" | "invoke">) {
  const { connections, places, channel, clock } = engine;

  /** Why a connection has to end, if it has to. */
  function refusalOf({ connection, refusal }: Caller): WireError | undefined {
    if (refusal !== undefined) return JSON.parse(refusal) as WireError;
    const isOver = connection.expiresAt !== undefined && connection.expiresAt <= clock.now();
    return isOver ? wireError("UNAUTHORIZED", "The token has expired. Get a new one, connect again and resume.") : undefined;
  }

  const say = (connectionId: string, error: WireError, about: ReturnType<typeof leadingIds> = {}) =>
    channel.send(connectionId, { text: printMessage({ type: "error", timestamp: Math.round(clock.now()), error, ...about }) });

  async function end(connectionId: string, error: WireError): Promise<void> {
    await say(connectionId, error);
    await channel.close(connectionId, 1008, error.code);
    await streamer.disconnect(connectionId);
  }

  /** True when it was one frame too many of its user, which has been told. */
  async function isRefused({ connectionId, owner }: Connection, frame: string): Promise<boolean> {
    const overrun = await pace.count(owner);
    if (!overrun) return false;
    const { afterMs, isFar } = overrun;
    if (isFar) {
      await places.shutOut(owner, clock.now() + SHUT_OUT_MS);
      const message = "You go on sending far more messages than you may. Connect again later.";
      await end(connectionId, wireError("RATE_LIMITED", message, { afterMs: SHUT_OUT_MS }));
    } else {
      const message = `More than ${pace.perSecond} messages a second over all connections of yours; this message was not accepted.`;
      await say(connectionId, wireError("RATE_LIMITED", message, { afterMs }), leadingIds(frame));
    }
    return true;
  }

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
      await end(connectionId, refusal);
      return 200;
    }
    if (caller.ungreeted && (await connections.markGreeted(connectionId))) await streamer.greet(connectionId);
    if (await isRefused(caller.connection, body)) return 200;
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
