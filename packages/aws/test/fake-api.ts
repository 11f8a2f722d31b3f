/** The `@connections` side of an API Gateway, over HTTP: clients in memory, with a buffer for those that do not read. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ClientEnd } from "@streamer/contract";

export interface FakeApi {
  readonly endpoint: string;
  connect(): ClientEnd;
  /** Every connection is cut. */
  cutAll(): void;
  /** The next so many pushes are refused as too many. */
  throttle(count: number): void;
  stop(): Promise<void>;
}

interface Line {
  readonly received: string[];
  waiting: string[];
  isPaused: boolean;
  closed: ClientEnd["closed"];
}

/** What API Gateway keeps for a client that does not read, before it gives it up. */
const BUFFER_BYTES = 1_048_576;
const MAX_MESSAGE_BYTES = 131_072;

export async function startFakeApi(): Promise<FakeApi> {
  const lines = new Map<string, Line>();
  let count = 0;
  let refusals = 0;

  function push(connectionId: string, text: string): { readonly status: number; readonly type?: string } {
    const line = lines.get(connectionId);
    if (refusals > 0) {
      refusals -= 1;
      return { status: 429, type: "LimitExceededException" };
    }
    if (!line) return { status: 410, type: "GoneException" };
    if (Buffer.byteLength(text) > MAX_MESSAGE_BYTES) return { status: 413, type: "PayloadTooLargeException" };
    if (!line.isPaused) line.received.push(text);
    else {
      line.waiting.push(text);
      if (line.waiting.reduce((sum, { length }) => sum + length, 0) > BUFFER_BYTES) lines.delete(connectionId);
    }
    return { status: 200 };
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const connectionId = decodeURIComponent(request.url!.split("/").at(-1)!.split("?")[0]!);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const line = lines.get(connectionId);
    const { status, type } =
      request.method === "POST"
        ? push(connectionId, Buffer.concat(chunks).toString())
        : line
          ? { status: 204, type: undefined }
          : { status: 410, type: "GoneException" };
    if (request.method === "DELETE" && line) {
      line.closed = { code: 1000, reason: "Connection Closed Normally" };
      lines.delete(connectionId);
    }
    response.writeHead(status, { "content-type": "application/json", ...(type && { "x-amzn-errortype": type }) });
    response.end(type && JSON.stringify({ message: type }));
  };
  const server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`,
    connect: () => {
      count += 1;
      const connectionId = `client-${count}=`;
      const line: Line = { received: [], waiting: [], isPaused: false, closed: undefined };
      lines.set(connectionId, line);
      return {
        connectionId,
        received: line.received,
        get closed() {
          return line.closed;
        },
        pause: () => void (line.isPaused = true),
        resume: () => {
          line.isPaused = false;
          line.received.push(...line.waiting.splice(0));
        },
        vanish: () => void lines.delete(connectionId),
      };
    },
    cutAll: () => lines.clear(),
    throttle: (times) => void (refusals = times),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
