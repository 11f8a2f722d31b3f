/** Where a WebSocket request may carry its token: the Authorization header, a subprotocol entry, or the query. */
import { BEARER_SUBPROTOCOL_PREFIX } from "@streamer/protocol";

const BEARER = /^Bearer +/i;

export interface TokenCarrier {
  /** Names in lower case. */
  readonly headers: { readonly authorization?: string | undefined; readonly "sec-websocket-protocol"?: string | undefined };
  readonly url?: string | undefined;
}

export function readToken(request: TokenCarrier): string | undefined {
  const { authorization, "sec-websocket-protocol": protocols } = request.headers;
  return (authorization || offered(protocols) || inQuery(request.url))?.replace(BEARER, "");
}

function offered(protocols: string | undefined): string | undefined {
  const entries = protocols?.split(",").map((entry) => entry.trim());
  return entries?.find((entry) => entry.startsWith(BEARER_SUBPROTOCOL_PREFIX))?.slice(BEARER_SUBPROTOCOL_PREFIX.length);
}

function inQuery(url: string | undefined): string | undefined {
  const query = URL.parse(url ?? "", "http://localhost")?.searchParams;
  return query?.get("token") || query?.get("Authorization") || undefined;
}
