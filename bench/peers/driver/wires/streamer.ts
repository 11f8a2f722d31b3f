/**
 * Streamer's protocol. It runs an id once, and the driver counts from 0 in the warm-up and in the measurement: each
 * submission gets a suffix of its own, and the driver's number is what stands before the dot.
 */
import { createHmac, randomUUID } from "node:crypto";
import type { ServerMessage } from "@streamer/protocol";
import type { Heard, Wire } from "../wire.ts";

const STAGE = "stage";
const FOLLOW = `{"type":"subscribe","request_id":"${STAGE}"}`;
const HOUR_S = 3_600;

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** No two are alike: a server that remembers a token it has verified gains nothing by it. */
function signedToken(secret: string): string {
  const claims = { sub: "bench", tenant_id: "bench", jti: randomUUID(), exp: Math.floor(Date.now() / 1_000) + HOUR_S };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

interface Stamp {
  readonly ts: number;
}

export function createStreamerWire(secret: string): Wire {
  /** By the driver's number: the id it was sent under, and the newest seq that was heard of it. */
  const sent = new Map<number, { readonly id: string; seq: number }>();
  let count = 0;
  const numberOf = (requestId: string): number => Number.parseInt(requestId, 10);

  function hearProgress(message: ServerMessage<"progress">, heard: Heard): void {
    const { request_id, percentage, metadata, updates } = message;
    if (request_id === STAGE) heard.push((metadata as unknown as Stamp).ts);
    else if (updates)
      for (const update of updates) heard.progress(numberOf(request_id), update.percentage, (update.metadata as unknown as Stamp).ts);
    // Without a stamp it is the server's own 100 %, before the end of a job that reports none.
    else if (metadata) heard.progress(numberOf(request_id), percentage, (metadata as unknown as Stamp).ts);
  }

  return {
    path: () => `/?token=${signedToken(secret)}`,
    // Ready at `welcome`.
    open: () => {},
    echo: (connection, id, text) =>
      connection.send(`{"type":"request","id":"${id}.${(count += 1)}","action":"echo","payload":{"text":"${text}"}}`),
    submit(connection, number, kind, data) {
      const id = `${number}.${(count += 1)}`;
      sent.set(number, { id, seq: 0 });
      connection.send(`{"type":"request","id":"${id}","action":"${kind}","payload":${JSON.stringify(data)},"options":{"mode":"async"}}`);
    },
    prepare: (connection) => connection.send(`{"type":"request","id":"${STAGE}","action":"stage","payload":{},"options":{"mode":"async"}}`),
    follow: (connection) => connection.send(FOLLOW),
    broadcast: (connection) => connection.send(`{"type":"request","id":"cast.${(count += 1)}","action":"cast","payload":{}}`),
    resume(connection, numbers) {
      for (const number of numbers) {
        const { id, seq } = sent.get(number)!;
        connection.send(`{"type":"subscribe","request_id":"${id}","after":${seq}}`);
      }
    },
    hear(text, connection, heard) {
      const message = JSON.parse(text) as ServerMessage;
      if ("seq" in message && "request_id" in message && message.type !== "snapshot") {
        const known = sent.get(numberOf(message.request_id));
        if (known) known.seq = message.seq!;
      }
      if (message.type === "response" && message.success) heard.echo(numberOf(message.request_id), connection);
      else if (message.type === "progress") hearProgress(message, heard);
      else if (message.type === "complete") heard.result(numberOf(message.request_id), connection);
      else if (message.type === "acknowledgment") {
        if (message.request_id !== STAGE) heard.acknowledged(numberOf(message.request_id), connection);
      } else if (message.type === "welcome") connection.ready();
      else if (message.type !== "snapshot") heard.failed(text);
    },
  };
}
