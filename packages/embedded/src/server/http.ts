/** What the server answers over plain HTTP: is it alive, is it ready, what can it do, and the files behind signed links. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { readToken, type Authenticate } from "@streamer/auth";
import { asError, isDataLoss } from "@streamer/core";
import type { JsonObject } from "@streamer/protocol";
import type { EmbeddedEngine } from "../engine.ts";
import { serveFile } from "../blobs/files.ts";
import { FILES_PATH } from "../blobs/links.ts";
import type { Doors } from "./doors.ts";
import type { Readiness } from "./readiness.ts";
import { replyCode, replyError, replyJson } from "./replies.ts";

export interface HttpParts {
  readonly engine: Pick<EmbeddedEngine, "blobs" | "links" | "clock" | "log" | "damageCount">;
  readonly readiness: Readiness;
  readonly doors: Pick<Doors, "refused">;
  readonly authenticate: Authenticate;
  /** The AsyncAPI document of this server. */
  readonly describe: () => Promise<JsonObject>;
}

export function createHttpListener({ engine, readiness, doors, authenticate, describe }: HttpParts): RequestListener {
  /** Only those who may connect may read what the handlers accept. */
  async function serveDescription(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const authentication = await authenticate(readToken(request));
    if (authentication.ok) replyJson(response, 200, await describe());
    else replyError(response, authentication.error);
  }

  return (request, response) => {
    const answer = async (): Promise<void> => {
      // The base is never used: only path and query of a request matter.
      const url = URL.parse(request.url ?? "", "http://localhost");
      if (request.method !== "GET" && request.method !== "HEAD") {
        response.setHeader("allow", "GET, HEAD");
        return replyJson(response, 405, { error: { code: "INVALID_MESSAGE", message: "Only GET and HEAD are answered here." } });
      }
      if (url?.pathname === "/healthz") return replyJson(response, 200, { status: "ok" });
      if (url?.pathname === "/readyz") {
        const problems = await readiness();
        const damaged = engine.damageCount();
        const refused = Object.entries(doors.refused).filter(([, count]) => count > 0);
        const counts = { ...(damaged > 0 && { damaged }), ...(refused.length > 0 && { refused_connections: Object.fromEntries(refused) }) };
        if (problems.length === 0) return replyJson(response, 200, { status: "ready", ...counts });
        return replyJson(response, 503, {
          status: "not ready",
          ...counts,
          problems: problems.map(({ name, message }) => ({ name, message })),
        });
      }
      if (url?.pathname === "/asyncapi.json") return serveDescription(request, response);
      if (url?.pathname.startsWith(FILES_PATH)) return serveFile(engine, url, request, response);
      return replyCode(response, "NOT_FOUND", "Nothing is served here. Clients connect by WebSocket; files have links of their own.");
    };
    answer().catch((error: unknown) => {
      // A client that went away mid-download is no fault of ours.
      if (response.destroyed || response.headersSent) return response.destroy();
      if (isDataLoss(error)) return replyCode(response, error.code, error.message);
      engine.log.error({ err: asError(error), path: request.url?.split("?")[0] }, "an HTTP request could not be answered");
      return replyCode(response, "INTERNAL_ERROR", "The server failed; its log says why.");
    });
  };
}
