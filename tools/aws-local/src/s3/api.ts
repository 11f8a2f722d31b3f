/** S3: s3rver holds the objects; in front of it each request is judged by the policies of whoever signed it, links included. */
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { Environment } from "../assembly/intrinsics.ts";
import { bodyOf, listen, ServiceError, urlOf, type Service } from "../http.ts";
import { s3Access } from "../iam/actions.ts";
import type { Credentials, Gate } from "../iam/gate.ts";
import { checkSignature } from "./signature.ts";

export interface S3Api extends Service {
  /** Lets a key sign requests. */
  trust(credentials: Credentials): void;
}

/** The parts of s3rver that are used; it ships no types. */
interface S3rverInstance {
  run(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
  readonly httpServer: { closeAllConnections(): void };
}
interface Accounts {
  readonly DUMMY_ACCOUNT: { createKeyPair(accessKeyId: string, secretAccessKey: string): void };
}

export async function serveS3(
  folder: string,
  buckets: readonly string[],
  { environment, gate }: { environment: Environment; gate: Gate },
): Promise<S3Api> {
  const require = createRequire(import.meta.url);
  const S3rver = require("@20minutes/s3rver") as new (options: object) => S3rverInstance;
  const accounts = require("@20minutes/s3rver/lib/models/account") as Accounts;
  const store = new S3rver({
    address: "127.0.0.1",
    port: 0,
    silent: true,
    directory: folder,
    vhostBuckets: false,
    allowMismatchedSignatures: true,
    configureBuckets: buckets.map((name) => ({ name })),
  });
  const { port } = await store.run();
  const secrets = new Map<string, string>();
  /** Objects that are written only if there is none, while they are. */
  const creating = new Set<string>();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = urlOf(request);
    const isDeletion = request.method === "POST" && url.searchParams.has("delete");
    const body = isDeletion ? await bodyOf(request) : undefined;
    const keys = Array.from((body?.toString("utf8") ?? "").matchAll(/<Key>([^<]*)<\/Key>/g), ([, key]) => unescapeXml(key!));
    checkSignature(request, (accessKeyId) => secrets.get(accessKeyId));
    gate.check(request.headers, url, () => s3Access(environment, request.method ?? "GET", url, keys));
    const pass = (): void => {
      const passed = forward(
        { host: "127.0.0.1", port, path: request.url, method: request.method, headers: request.headers },
        (received) => {
          response.writeHead(received.statusCode ?? 500, received.headers);
          received.pipe(response);
        },
      );
      passed.once("error", () => response.destroy());
      if (body) passed.end(body);
      else request.pipe(passed);
    };
    if (request.method !== "PUT" || request.headers["if-none-match"] !== "*") return pass();
    // The store knows no conditional writes.
    if (creating.has(url.pathname)) throw new ServiceError("ConditionalRequestConflict", 409, "The object is being written.");
    creating.add(url.pathname);
    response.once("close", () => creating.delete(url.pathname));
    if (await exists(port, request)) throw new ServiceError("PreconditionFailed", 412, "There is such an object.");
    pass();
  };

  const service = await listen(
    createServer((request, response) => {
      answer(request, response).catch((error: unknown) => {
        const { type, status, message } =
          error instanceof ServiceError ? error : new ServiceError("InternalError", 500, `The local service failed: ${String(error)}`);
        const code = type === "AccessDeniedException" ? "AccessDenied" : type;
        response.writeHead(status, { "content-type": "application/xml", connection: "close" });
        response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`);
        request.resume();
      });
    }),
  );
  return {
    ...service,
    trust: ({ accessKeyId, secretAccessKey }) => {
      secrets.set(accessKeyId, secretAccessKey);
      // The store wants to know its callers too.
      accounts.DUMMY_ACCOUNT.createKeyPair(accessKeyId, secretAccessKey);
    },
    close: async () => {
      await service.close();
      store.httpServer.closeAllConnections();
      await store.close();
    },
  };
}

const escapeXml = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const unescapeXml = (text: string): string =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&apos;", "'").replaceAll("&amp;", "&");

/** Whether the store has the object that a request is about: asked with the request's own signature, which it does not check. */
function exists(port: number, { url, headers }: IncomingMessage): Promise<boolean> {
  const { host, authorization, "x-amz-date": date } = headers;
  const signed = { host, authorization, "x-amz-date": date } as Record<string, string>;
  return new Promise((resolve, reject) => {
    const asked = forward({ host: "127.0.0.1", port, path: url?.split("?")[0], method: "HEAD", headers: signed }, (received) => {
      received.resume();
      resolve(received.statusCode === 200);
    });
    asked.once("error", reject);
    asked.end();
  });
}
