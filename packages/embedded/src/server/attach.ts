/**
 * attach: a service on somebody else's HTTP server, beside their routes. WebSockets at its path and the routes below it are
 * the service's; everything else is its owner's, as are the sockets until they are upgraded: their number, their timeouts
 * and the size of their headers.
 */
import type { Server as HttpServer } from "node:http";
import { basePath, socketUrl, urlOf } from "./base-path.ts";
import { mount, type Mount } from "./mounts.ts";
import type { Server } from "./server.ts";
import { createService, type ServiceOptions } from "./service.ts";

export interface AttachOptions extends ServiceOptions {
  /** URL path of the WebSocket, such as `/streamer`: file links, `/healthz`, `/readyz` and `/asyncapi.json` are below it. */
  readonly path: string;
}

/**
 * Attaches Streamer to a server of `node:http` or `node:https`, whether it listens already or not. `stop` ends Streamer
 * alone: do it before `server.close()`, which waits for every socket.
 *
 * @example
 * const streamer = await attach(server, { path: "/streamer", handlers, dataFolder });
 */
export async function attach(server: HttpServer, { path: given, ...chosen }: AttachOptions): Promise<Server> {
  const path = basePath(given, "path");
  const httpUrl = (): string => urlOf(server);
  const service = await createService(chosen, { upgradePath: path, base: path, httpUrl });
  const { streamer, engine, developmentToken } = service;
  const answers = new Set<{ destroy(): unknown }>();
  const request: Mount["request"] = (asked, response) => {
    answers.add(response);
    response.once("close", () => answers.delete(response));
    service.mount.request(asked, response);
  };
  let unmount: () => void;
  try {
    unmount = mount(server, { ...service.mount, request });
  } catch (error) {
    await service.abandon();
    throw error;
  }
  await service.begin({ path });
  return {
    get url() {
      return socketUrl(httpUrl(), path);
    },
    get httpUrl() {
      return httpUrl() + path;
    },
    streamer,
    engine,
    developmentToken,
    stop: () =>
      service.stop(async () => {
        unmount();
        // Downloads that are under way: the owner's own answers go on.
        for (const response of answers) response.destroy();
      }),
  };
}
