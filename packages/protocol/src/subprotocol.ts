/**
 * What is offered when a socket opens. Apart from the frames, so that a client, which takes its server's frames as they
 * come, does not carry the checks of all of them.
 */

/** WebSocket subprotocol; none offered means this one. */
export const SUBPROTOCOL = "streamer.v1";
/** Subprotocol entries of this prefix carry the token, for browsers, which cannot set headers. */
export const BEARER_SUBPROTOCOL_PREFIX = "bearer.";
