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
  const query = URL.parse(request.url ?? "", "http://localhost")?.searchParams;
  const offered = protocols?.split(",").map((entry) => entry.trim());
  const candidates = [
    authorization,
    offered?.find((entry) => entry.startsWith(BEARER_SUBPROTOCOL_PREFIX))?.slice(BEARER_SUBPROTOCOL_PREFIX.length),
    query?.get("token"),
    query?.get("Authorization"),
  ];
  return candidates.find((candidate) => candidate !== undefined && candidate !== null && candidate !== "")?.replace(BEARER, "");
}
