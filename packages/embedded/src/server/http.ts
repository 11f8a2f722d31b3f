/** The HTTP side of a server: the routes (routes.ts), and what is said where there is none, or when one fails. */
import type { RequestListener } from "node:http";
import { asError, isDataLoss, type Log } from "@streamer/core";
import { replyCode, replyJson } from "./replies.ts";
import { routeOf, type Routes } from "./routes.ts";

export function createHttpListener(routes: Routes, log: Log): RequestListener {
  return (request, response) => {
    const answer = async (): Promise<void> => {
      if (request.method !== "GET" && request.method !== "HEAD") {
        response.setHeader("allow", "GET, HEAD");
        return replyJson(response, 405, { error: { code: "INVALID_MESSAGE", message: "Only GET and HEAD are answered here." } });
      }
      // The base is never used: only path and query of a request matter.
      const url = URL.parse(request.url ?? "", "http://localhost");
      const route = url ? routeOf(routes, url.pathname) : undefined;
      if (url && route) return route.serve({ url, request, response });
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
