/** A small HTTP service on loopback, as every local service is one: whole requests in, whole replies out. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}
export interface Service {
  readonly url: string;
  readonly server: Server;
  close(): Promise<void>;
}

/** A frozen function must find its connections alive when it is thawed, as it does on AWS. */
const KEEP_ALIVE_MS = 15 * 60_000;

/** An error that an AWS service answers with: the name of its type, and its status. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly type: string;
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;
  constructor(type: string, status: number, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.type = type;
    this.status = status;
    this.details = details;
  }
}

/** Errors in the JSON protocols: the type in the body and in a header, so that every generation of clients reads it. */
export const errorReply = ({ type, status, message, details }: ServiceError): Reply => ({
  status,
  headers: { "content-type": "application/x-amz-json-1.0", "x-amzn-errortype": type, ...(status === 429 && { "retry-after": "1" }) },
  body: JSON.stringify({ __type: type, message, Message: message, ...details }),
});

export const jsonReply = (value: unknown, status = 200): Reply => ({
  status,
  headers: { "content-type": "application/x-amz-json-1.0" },
  body: JSON.stringify(value),
});

export async function serve(answer: (call: Call) => Promise<Reply> | Reply): Promise<Service> {
  const replyTo = async (request: IncomingMessage): Promise<Reply> => {
    try {
      return await answer({
        method: request.method ?? "GET",
        url: urlOf(request),
        headers: request.headers,
        body: await bodyOf(request),
      });
    } catch (error) {
      const known = error instanceof ServiceError;
      return errorReply(known ? error : new ServiceError("InternalFailure", 500, `The local service failed: ${String(error)}`));
    }
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { status, headers, body } = await replyTo(request);
    const bytes = body === undefined ? undefined : Buffer.from(body as string);
    response.writeHead(status, { ...headers, "content-length": String(bytes?.length ?? 0) });
    response.end(bytes);
  };
  return listen(createServer((request, response) => void handle(request, response)));
}

export async function listen(server: Server): Promise<Service> {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const urlOf = (request: IncomingMessage): URL => new URL(request.url ?? "/", `http://${request.headers.host ?? "127.0.0.1"}`);

export async function bodyOf(request: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Of a signed request or link: whose key signed it. */
export function accessKeyIn(headers: IncomingHttpHeaders, url: URL): string | undefined {
  const credential = /Credential=([^/,\s]+)\//.exec(headers.authorization ?? "")?.[1];
  return credential ?? url.searchParams.get("X-Amz-Credential")?.split("/")[0];
}
