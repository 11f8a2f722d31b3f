/**
 * What is served over plain HTTP, and to whom: is it alive, is it ready, what can it do, and the files behind signed links.
 * The listener is made of this table and knows nothing besides; routes.test.ts asks each as everybody.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { readToken, type Guard } from "@streamer/auth";
import type { JsonObject } from "@streamer/protocol";
import type { EmbeddedEngine } from "../engine.ts";
import { serveFile } from "../blobs/files.ts";
import { FILES_PATH } from "../blobs/links.ts";
import type { Doors } from "./doors.ts";
import type { Readiness } from "./readiness.ts";
import { DEVELOPMENT_ALONE } from "./own-address.ts";
import { replyError, replyJson } from "./replies.ts";

export interface RouteParts {
  readonly engine: Pick<EmbeddedEngine, "blobs" | "links" | "clock" | "damageCount">;
  readonly readiness: Readiness;
  readonly doors: Pick<Doors, "refused">;
  readonly auth: Pick<Guard, "authenticate" | "keys">;
  /** True of those whom the development key is not for. */
  readonly isTooFar: (request: IncomingMessage) => boolean;
  /** The AsyncAPI document of this server, with the address that the request came by. */
  readonly describe: (request: IncomingMessage) => Promise<JsonObject>;
}

interface Asked {
  /** Below the place where the server is. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

interface Route {
  /** All that begins with it when it ends in a slash; else this path alone. */
  readonly path: string;
  readonly serve: (asked: Asked) => Promise<void> | void;
}

export type RouteName = "health" | "readiness" | "description" | "files";
export type Routes = Readonly<Record<RouteName, Route>>;

export function createRoutes({ engine, readiness, doors, auth, isTooFar, describe }: RouteParts): Routes {
  async function serveReadiness({ response }: Asked): Promise<void> {
    const problems = await readiness();
    const damaged = engine.damageCount();
    const refused = Object.entries(doors.refused).filter(([, count]) => count > 0);
    const counts = {
      ...keysOf(auth),
      ...(damaged > 0 && { damaged }),
      ...(refused.length > 0 && { refused_connections: Object.fromEntries(refused) }),
    };
    if (problems.length === 0) return replyJson(response, 200, { status: "ready", ...counts });
    replyJson(response, 503, { status: "not ready", ...counts, problems: problems.map(({ name, message }) => ({ name, message })) });
  }

  /** Only those who may connect may read what the handlers accept. */
  async function serveDescription({ request, response }: Asked): Promise<void> {
    if (isTooFar(request)) return replyError(response, DEVELOPMENT_ALONE);
    const authentication = await auth.authenticate(readToken(request));
    if (authentication.ok) replyJson(response, 200, await describe(request));
    else replyError(response, authentication.error);
  }

  return {
    // Alive with whatever keys: to start it again would fetch none.
    health: { path: "/healthz", serve: ({ response }) => replyJson(response, 200, { status: "ok", ...keysOf(auth) }) },
    readiness: { path: "/readyz", serve: serveReadiness },
    description: { path: "/asyncapi.json", serve: serveDescription },
    // A link is its own right: it says which file, and until when.
    files: { path: FILES_PATH, serve: (asked) => serveFile(engine, asked) },
  };
}

const keysOf = ({ keys }: Pick<Guard, "keys">): JsonObject => (keys() === "ready" ? {} : { keys: keys() });

export function routeOf(routes: Routes, pathname: string): Route | undefined {
  return Object.values(routes).find(({ path }) => (path.endsWith("/") ? pathname.startsWith(path) : pathname === path));
}
