/**
 * startServer: a service on an HTTP server of its own, which serves nothing else, so that its sockets are bounded and timed
 * before anything is known of them. It is mounted as on anybody's server (attach.ts).
 */
import { createServer, type Server as HttpServer } from "node:http";
import type { Streamer } from "@streamer/core";
import type { TokenTerms } from "@streamer/auth";
import type { EmbeddedEngine } from "../engine.ts";
import { basePath, socketUrl, urlOf } from "./base-path.ts";
import { mount } from "./mounts.ts";
import { createService, type ServiceOptions } from "./service.ts";

export interface ServerOptions extends ServiceOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Port to listen on. Default 0: any free port. */
  readonly port?: number;
  /** URL path that accepts WebSocket connections. Default "/". */
  readonly upgradePath?: string;
}

export interface Server {
  /** WebSocket URL for clients on this machine: `ws://…`. */
  readonly url: string;
  /** What routes and files are below of. */
  readonly httpUrl: string;
  readonly streamer: Streamer;
  readonly engine: EmbeddedEngine;
  /** Creates a token signed with the development key. Rejects when the server was started with `auth`. */
  developmentToken(terms: TokenTerms): Promise<string>;
  /** Stops gracefully (P13). Further calls return the same promise. */
  stop(): Promise<void>;
}

export async function startServer({ host = "127.0.0.1", port = 0, upgradePath = "/", ...chosen }: ServerOptions): Promise<Server> {
  const http = createServer(HTTP_TIMES);
  const path = basePath(upgradePath, "upgradePath");
  const service = await createService(chosen, { upgradePath: path, base: "", host, httpUrl: () => urlOf(http) });
  const { streamer, engine, doors, developmentToken } = service;
  http.maxConnections = service.sockets;
  http.on("connection", doors.accept);
  http.on("drop", doors.dropped);
  // What comes to no place of the service.
  http.on("request", service.listener);
  http.on("upgrade", service.refuseUpgrade);
  mount(http, service.mount);
  try {
    await listen(http, port, host);
  } catch (error) {
    await service.abandon();
    throw error;
  }
  const httpUrl = urlOf(http);
  await service.begin({ url: httpUrl });
  return {
    url: socketUrl(httpUrl, path),
    httpUrl,
    streamer,
    engine,
    developmentToken,
    stop: () =>
      service.stop(async () => {
        http.closeAllConnections();
        await new Promise<void>((resolve) => void http.close(() => resolve()));
      }),
  };
}

/** Those who are slow to say what they want are looked for each second: else a limit of 10 s may be one of 40. */
const HTTP_TIMES = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5_000, connectionsCheckingInterval: 1_000 };

function listen(http: HttpServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, host, () => {
      http.off("error", reject);
      resolve();
    });
  });
}
