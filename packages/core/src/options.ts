/** What users may set, with every default. `resolveOptions` fills them in once, at the edge. */
import { DEFAULT_FRAME_LIMITS, type FrameLimits } from "@streamer/protocol";

export interface StreamerOptions {
  /** Requests estimated at or under this run at once; longer ones are queued. Default 5,000 ms. */
  readonly syncThresholdMs: number;
  /** A run whose process is silent this long has lost its request. Default 30,000 ms. */
  readonly leaseMs: number;
  /**
   * A run that has written nothing for this long renews its lease, and so learns of a cancellation asked for in another
   * process. Default a third of `leaseMs`, and never more.
   */
  readonly renewMs: number;
  /** Queued requests run at once in this process, beside those in worker processes. Default 64. */
  readonly inlineSlots: number;
  /** How long state and results stay readable after a request ends. Default 7 days. */
  readonly retentionMs: number;
  /** How long a signed file link works; it is signed anew at each read. Default 24 hours. */
  readonly linkMs: number;
  /** Longest one attempt may run when neither handler nor request says. Default 1 hour. */
  readonly timeoutMs: number;
  /** How long a cancelled run may take to stop before it is settled without waiting for it. Default 10,000 ms. */
  readonly cancelGraceMs: number;
  /** Deaths of the running process after which a request is a dead letter. Default 3. */
  readonly quarantineAfter: number;
  /**
   * Longest that a run may go on in this process; then it goes on in another from its checkpoint, and one that has saved
   * none has used up its time. Default none: only `timeoutMs` counts.
   */
  readonly runLifeMs: number;
  /** How long a connection may be silent before its client should send `ping`. Default 30,000 ms. */
  readonly heartbeatMs: number;
  /** Largest result, checkpoint or partial, in characters of JSON. Default 1,048,576; larger things are files. */
  readonly valueLength: number;
  readonly frames: FrameLimits;
  readonly admission: AdmissionLimits;
}

export interface AdmissionLimits {
  /** Waiting requests in all. Default 100,000. */
  readonly queued: number;
  /** Waiting requests of one tenant. Default 20,000. */
  readonly queuedPerTenant: number;
  /** Messages a second from one connection, on average; bursts of twice that pass. Default 1,000. */
  readonly messagesPerSecond: number;
  /** Sync requests in flight on one connection. Default 1,000. */
  readonly inFlightPerConnection: number;
  /** Requests one connection may follow at once. Default 10,000. */
  readonly subscriptionsPerConnection: number;
  /** Malformed or over-rate frames on one connection, within a minute, after which it is closed. Default 100. */
  readonly refusalsPerMinute: number;
}

export const DEFAULT_OPTIONS: StreamerOptions = {
  syncThresholdMs: 5_000,
  leaseMs: 30_000,
  renewMs: 10_000,
  inlineSlots: 64,
  retentionMs: 7 * 86_400_000,
  linkMs: 86_400_000,
  timeoutMs: 3_600_000,
  cancelGraceMs: 10_000,
  quarantineAfter: 3,
  runLifeMs: Infinity,
  heartbeatMs: 30_000,
  valueLength: 1_048_576,
  frames: DEFAULT_FRAME_LIMITS,
  admission: {
    queued: 100_000,
    queuedPerTenant: 20_000,
    messagesPerSecond: 1_000,
    inFlightPerConnection: 1_000,
    subscriptionsPerConnection: 10_000,
    refusalsPerMinute: 100,
  },
};

/** Options as users pass them: any part of them. */
export type PartialOptions = Partial<Omit<StreamerOptions, "frames" | "admission">> & {
  readonly frames?: Partial<FrameLimits>;
  readonly admission?: Partial<AdmissionLimits>;
};

export function resolveOptions(options: PartialOptions = {}): StreamerOptions {
  const { leaseMs = DEFAULT_OPTIONS.leaseMs, renewMs = Infinity } = options;
  return {
    ...DEFAULT_OPTIONS,
    ...options,
    renewMs: Math.min(renewMs, leaseMs / 3),
    frames: { ...DEFAULT_OPTIONS.frames, ...options.frames },
    admission: { ...DEFAULT_OPTIONS.admission, ...options.admission },
  };
}
