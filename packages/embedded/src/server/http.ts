/** The HTTP side of a server: the routes (routes.ts), and what is said where there is none, or when one fails. */
import type { RequestListener } from "node:http";
import { asError, isDataLoss, type Log } from "@streamer/core";
import { createCrossOrigin } from "./cross-origin.ts";
import { replyCode, replyJson } from "./replies.ts";
import { routeOf, type Routes } from "./routes.ts";

export interface HttpParts {
  readonly routes: Routes;
  readonly log: Log;
  /** What the routes are below of: "" or a path without a slash at its end. */
  readonly base: string;
  /** Origins whose pages may read the answers: those that may connect. */
  readonly allowedOrigins: readonly string[];
}

export function createHttpListener({ routes, log, base, allowedOrigins }: HttpParts): RequestListener {
  const crossOrigin = createCrossOrigin(allowedOrigins);
  return (request, response) => {
    const answer = async (): Promise<void> => {
      // The base is never used: only path and query of a request matter.
      const url = URL.parse(request.url ?? "", "http://localhost");
      const path = url?.pathname.startsWith(base) ? url.pathname.slice(base.length) : undefined;
      const route = path === undefined ? undefined : routeOf(routes, path);
      crossOrigin.allow(request, response);
      if (route && crossOrigin.isPreflight(request)) return void response.writeHead(204).end();
      if (request.method !== "GET" && request.method !== "HEAD") {
        response.setHeader("allow", "GET, HEAD");
        return replyJson(response, 405, { error: { code: "INVALID_MESSAGE", message: "Only GET and HEAD are answered here." } });
      }
      if (url && path !== undefined && route) return route.serve({ path, query: url.searchParams, request, response });
      return replyCode(response, "NOT_FOUND", "Nothing is served here. Clients connect by WebSocket; files have links of their own.");
    };
    answer().catch((error: unknown) => {
      // A client that went away mid-download is no fault of ours.
      if (response.destroyed || response.headersSent) return response.destroy();
      if (isDataLoss(error)) return replyCode(response, error.code, error.message);
      log.error({ err: asError(error), path: request.url?.split("?")[0] }, "an HTTP request could not be answered");
      return replyCode(response, "INTERNAL_ERROR", "The server failed; its log says why.");
    });
  };
}
