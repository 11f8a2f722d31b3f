/**
 * What Amazon API Gateway allows a WebSocket ("Quotas for configuring and running a WebSocket API"). The AWS engine keeps
 * within it, and the embedded one can be told to, so that a laptop finds the surprises first.
 */
export const API_GATEWAY_LIMITS = {
  /** Largest frame from a client; a larger one ends the connection with 1009. */
  messageBytes: 32_768,
  /** Size in which pushes are billed, and so the largest that is sent: larger frames go in parts. 131,072 is the quota. */
  pushBytes: 32_768,
  /** A connection on which nothing is sent or received for this long ends. */
  idleMs: 600_000,
  /** No connection lives longer. */
  lifeMs: 7_200_000,
  /** Longest that one run can go on in one process: a Lambda function's 15 minutes, less the time to hand it back. */
  runMs: 870_000,
} as const;

export type TransportLimits = { readonly [Name in keyof typeof API_GATEWAY_LIMITS]: number };
