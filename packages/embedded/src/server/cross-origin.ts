/**
 * Pages of the origins that may connect may also read over HTTP what they are answered, a file behind its link above all:
 * by the CORS protocol of the Fetch standard, without credentials. To others nothing is said, and their browsers refuse it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

export interface CrossOrigin {
  /** Says who may read the answer, and may ask for it, if it is a question for that. */
  allow(request: IncomingMessage, response: ServerResponse): void;
  /** Whether it only asks what may be asked, and may. */
  isPreflight(request: IncomingMessage): boolean;
}

/** What a page may send besides what any may; a token reads the description. */
const HEADERS = "range, if-range, authorization";
/** What a page may read besides what any may (content-type and content-length are among those). */
const EXPOSED = "accept-ranges, content-disposition, content-range, etag, retry-after";
/** How long a browser may remember. */
const MAX_AGE_SECONDS = 3_600;

export function createCrossOrigin(allowedOrigins: readonly string[]): CrossOrigin {
  const isAllowed = ({ headers: { origin } }: IncomingMessage): boolean => origin !== undefined && allowedOrigins.includes(origin);
  const isPreflight = (request: IncomingMessage): boolean =>
    request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined && isAllowed(request);
  return {
    isPreflight,
    allow: (request, response) => {
      // A cache must not give one origin what another was told.
      if (allowedOrigins.length > 0) response.setHeader("vary", "origin");
      if (!isAllowed(request)) return;
      response.setHeader("access-control-allow-origin", request.headers.origin!);
      response.setHeader("access-control-expose-headers", EXPOSED);
      if (!isPreflight(request)) return;
      response.setHeader("access-control-allow-methods", "GET, HEAD");
      response.setHeader("access-control-allow-headers", HEADERS);
      response.setHeader("access-control-max-age", MAX_AGE_SECONDS);
    },
  };
}
