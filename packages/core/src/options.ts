/**
 * What operators may set, with every default. `resolveOptions` fills them in once, at the edge, and refuses by name what
 * is no option or no value for it.
 */
import { DEFAULT_FRAME_LIMITS, type FrameLimits } from "@streamer/protocol";
import {
  between,
  checkedNumbers,
  STORED_TIME,
  timeFrom,
  TIMEOUT,
  unknownName,
  wholeBetween,
  type NumberRule,
} from "./rules/declared-numbers.ts";
import { checkShares, type Shares } from "./rules/fair-shares.ts";

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
  /**
   * Whether this process runs what is queued. Without, it answers at once what can be, and leaves the rest to others.
   * Default true.
   */
  readonly takesQueued: boolean;
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
  /** How tenants share the slots. Default: alike. */
  readonly shares: Shares;
}

export interface AdmissionLimits {
  /** Waiting requests in all. Default 100,000. */
  readonly queued: number;
  /** Waiting requests of one tenant. Default 20,000. */
  readonly queuedPerTenant: number;
  /** Waiting requests of one user: fewer than `queuedPerTenant`, so that no user stops a colleague. Default 5,000. */
  readonly queuedPerUser: number;
  /**
   * Bytes stored for one user, with files, events and checkpoints, until their retention ends; a request counts for 1,024 at
   * least, a file for 4,096 more than it holds. Default 500,000,000.
   */
  readonly storedBytesPerUser: number;
  /** The same of one tenant. Default 5,000,000,000. */
  readonly storedBytesPerTenant: number;
  /** Highest priority that a client may ask for, 0–9; a handler's own `maxPriority` may be lower. Default 9. */
  readonly maxPriority: number;
  /** Messages a second from one connection, on average; bursts of twice that pass. Default 1,000. */
  readonly messagesPerSecond: number;
  /** The same over all connections of one user. Default: twice `messagesPerSecond`. */
  readonly messagesPerSecondPerUser: number;
  /**
   * Bytes a second of one connection, on average: of its messages, and of the answers to its questions (get, list, subscribe,
   * actions). Bursts of twice that pass, and the largest message. Default 4 MiB.
   */
  readonly bytesPerSecond: number;
  /** The same over all connections of one user. Default: twice `bytesPerSecond`. */
  readonly bytesPerSecondPerUser: number;
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
  takesQueued: true,
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
    queuedPerUser: 5_000,
    storedBytesPerUser: 500_000_000,
    storedBytesPerTenant: 5_000_000_000,
    maxPriority: 9,
    messagesPerSecond: 1_000,
    messagesPerSecondPerUser: 2_000,
    bytesPerSecond: 4_194_304,
    bytesPerSecondPerUser: 8_388_608,
    inFlightPerConnection: 1_000,
    subscriptionsPerConnection: 10_000,
    refusalsPerMinute: 100,
  },
  shares: {},
};

/** Options as users pass them: any part of them. */
export type PartialOptions = Partial<Omit<StreamerOptions, "frames" | "admission">> & {
  readonly frames?: Partial<FrameLimits>;
  readonly admission?: Partial<AdmissionLimits>;
};

/** Largest text that JavaScript holds, with room for what it is put into. */
const MAX_LENGTH = 2 ** 28;
const LIMITS: Readonly<Record<Exclude<keyof StreamerOptions, "frames" | "admission" | "shares" | "takesQueued">, NumberRule>> = {
  syncThresholdMs: timeFrom(0),
  leaseMs: timeFrom(1),
  renewMs: between(1, Infinity),
  inlineSlots: wholeBetween(0, 1e6),
  retentionMs: STORED_TIME,
  linkMs: STORED_TIME,
  timeoutMs: TIMEOUT,
  cancelGraceMs: timeFrom(0),
  quarantineAfter: wholeBetween(1, 1e6),
  runLifeMs: between(1, Infinity),
  heartbeatMs: STORED_TIME,
  valueLength: wholeBetween(1, MAX_LENGTH),
};
const FRAME_LIMITS: Readonly<Record<keyof FrameLimits, NumberRule>> = {
  messageBytes: wholeBetween(1, MAX_LENGTH),
  depth: wholeBetween(1, 1_000),
};
const MOST_MESSAGES = 1e9;
const MOST_BYTES = 1e12;
const ADMISSION_LIMITS: Readonly<Record<keyof AdmissionLimits, NumberRule>> = {
  queued: wholeBetween(0, Infinity),
  queuedPerTenant: wholeBetween(0, Infinity),
  queuedPerUser: wholeBetween(0, Infinity),
  storedBytesPerUser: wholeBetween(0, Infinity),
  storedBytesPerTenant: wholeBetween(0, Infinity),
  maxPriority: wholeBetween(0, 9),
  messagesPerSecond: wholeBetween(1, MOST_MESSAGES),
  messagesPerSecondPerUser: wholeBetween(1, MOST_MESSAGES),
  bytesPerSecond: wholeBetween(1, MOST_BYTES),
  bytesPerSecondPerUser: wholeBetween(1, MOST_BYTES),
  inFlightPerConnection: wholeBetween(0, Infinity),
  subscriptionsPerConnection: wholeBetween(0, Infinity),
  refusalsPerMinute: between(1, 1e9),
};

/** Throws a TypeError that names the option when one is unknown or has a value that it cannot have. */
export function resolveOptions(options: PartialOptions = {}): StreamerOptions {
  const { frames, admission, shares = DEFAULT_OPTIONS.shares, takesQueued = DEFAULT_OPTIONS.takesQueued, ...numbers } = options;
  if (typeof takesQueued !== "boolean") throw new TypeError(`Option "takesQueued" must be true or false.`);
  const own = checkedPart(numbers, LIMITS, "");
  const limits = { ...DEFAULT_OPTIONS.admission, ...checkedPart(admission, ADMISSION_LIMITS, "admission") };
  const checked: StreamerOptions = {
    ...DEFAULT_OPTIONS,
    ...own,
    takesQueued,
    frames: { ...DEFAULT_OPTIONS.frames, ...checkedPart(frames, FRAME_LIMITS, "frames") },
    admission: {
      ...limits,
      messagesPerSecondPerUser: admission?.messagesPerSecondPerUser ?? Math.min(2 * limits.messagesPerSecond, MOST_MESSAGES),
      bytesPerSecondPerUser: admission?.bytesPerSecondPerUser ?? Math.min(2 * limits.bytesPerSecond, MOST_BYTES),
    },
    shares: checkShares(shares),
  };
  return { ...checked, renewMs: Math.min(own.renewMs ?? Infinity, checked.leaseMs / 3) };
}

/** `part` is the name of the option that holds them, or empty. */
function checkedPart<Name extends string>(
  values: object | undefined,
  limits: Readonly<Record<Name, NumberRule>>,
  part: string,
): { readonly [N in Name]?: number } {
  if (values === undefined) return {};
  if (typeof values !== "object" || values === null) throw new TypeError(`Option "${part}" must be an object of options.`);
  const named = (name: string): string => (part === "" ? name : `${part}.${name}`);
  const given = values as Readonly<Record<string, unknown>>;
  const unknown = unknownName(limits, given);
  if (unknown !== undefined) {
    const known = part === "" ? Object.keys(DEFAULT_OPTIONS) : Object.keys(limits);
    throw new TypeError(`There is no option "${named(unknown)}"; known are ${known.join(", ")}.`);
  }
  return checkedNumbers(limits, given, (name, problem) => {
    throw new TypeError(`Option "${named(name)}" ${problem}.`);
  }) as { readonly [N in Name]?: number };
}
