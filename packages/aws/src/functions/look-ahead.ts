/** The sweep comes each minute, now and then a little late: it looks this far ahead for what has to happen on time. */
export const LOOK_AHEAD_MS = 90_000;
