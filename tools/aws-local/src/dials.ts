/** What can be turned: limits and periods of AWS at their real values, and faults that are off unless asked for. */

export interface Dials {
  readonly lambda: {
    /** Instances of a function without reserved concurrency, where an account has 1,000 for all. */
    readonly instances: number;
    /** A cap on reserved concurrency as well: a laptop has no fleet. */
    readonly mostInstances: number;
    /** How long initialisation may take before it is started anew. */
    readonly initTimeoutMs: number;
    /** An instance that was not asked for so long is ended. */
    readonly idleMs: number;
    /** Waits before an asynchronous invocation that failed is repeated. */
    readonly asyncRetryMs: readonly number[];
  };
  readonly streams: {
    readonly pollMs: number;
    /** Wait before a batch that failed is tried again; doubles each time up to the second. */
    readonly retryMs: readonly [first: number, most: number];
  };
  readonly gateway: {
    readonly messageBytes: number;
    readonly frameBytes: number;
    readonly idleMs: number;
    readonly lifeMs: number;
    /** The longest a route may wait for its function. */
    readonly integrationMs: number;
    readonly faults: GatewayFaults;
  };
  readonly schedule: {
    /** In place of every rule's own period. */
    readonly periodMs: number | undefined;
  };
  /** Whether a function may only do what its policies allow. */
  readonly iam: boolean;
}

export interface GatewayFaults {
  /** Before a push is sent. */
  readonly pushDelayMs: number;
  /** Of pushes, those answered with success and never sent: every n-th. 0: none. */
  readonly dropEvery: number;
  /** Of calls of the management API, those answered with 429: every n-th. 0: none. */
  readonly throttleEvery: number;
  /** Connections end without a $disconnect. */
  readonly silentDisconnect: boolean;
}

export type DialChoices = { readonly [K in keyof Dials]?: Dials[K] extends object ? Partial<Dials[K]> : Dials[K] };

const MINUTE_MS = 60_000;

const DEFAULTS: Dials = {
  lambda: {
    instances: 10,
    mostInstances: Infinity,
    initTimeoutMs: 10_000,
    idleMs: 5 * MINUTE_MS,
    asyncRetryMs: [MINUTE_MS, 2 * MINUTE_MS],
  },
  streams: { pollMs: 250, retryMs: [500, MINUTE_MS] },
  gateway: {
    messageBytes: 128 * 1_024,
    frameBytes: 32 * 1_024,
    idleMs: 10 * MINUTE_MS,
    lifeMs: 120 * MINUTE_MS,
    integrationMs: 29_000,
    faults: { pushDelayMs: 0, dropEvery: 0, throttleEvery: 0, silentDisconnect: false },
  },
  schedule: { periodMs: undefined },
  iam: true,
};

export function resolveDials(chosen: DialChoices = {}): Dials {
  return {
    lambda: { ...DEFAULTS.lambda, ...chosen.lambda },
    streams: { ...DEFAULTS.streams, ...chosen.streams },
    gateway: { ...DEFAULTS.gateway, ...chosen.gateway },
    schedule: { ...DEFAULTS.schedule, ...chosen.schedule },
    iam: chosen.iam ?? DEFAULTS.iam,
  };
}
