/**
 * RequestQueue: requests, stored and queued by the same write. One verb per transition of the lifecycle, each atomic:
 * it changes the state, numbers and stores the events it is given, and answers with the frames as they will travel.
 * Every verb that takes a lease refuses it, inside the write, once it is lost (P3).
 *
 * A verb resolves only after its write is on stable storage (P1); frames of one request resolve in `seq` order.
 */
import type { ErrorCode, JsonValue, RequestMetadata, RequestStatus, ServerMessage, WireError } from "@streamer/protocol";
import type { Concurrency, Place } from "../rules/waiting.ts";
import type { Awaitable } from "./awaitable.ts";
import type { Frame } from "./events.ts";

/** Whose a request is: from the connection's token, never from a message (P10). */
export interface Owner {
  readonly tenantId: string;
  readonly userId: string;
}
/** Names one request among all owners: see rules/identity.ts. */
export type RequestKey = string & { readonly "~brand": "RequestKey" };

type BodyOf<M> = M extends unknown ? Omit<M, "request_id" | "seq" | "timestamp"> : never;
/** An event before the store gives it request id, seq and timestamp. */
export type EventBody = BodyOf<
  | ServerMessage<"acknowledgment" | "waiting" | "progress" | "partial" | "retrying" | "cancellation" | "complete">
  | (ServerMessage<"error"> & { request_id: string })
>;

/** How many requests may wait: in all, of one tenant, of one user of it. */
export interface QueueLimits {
  readonly queued: number;
  readonly queuedPerTenant: number;
  readonly queuedPerUser: number;
}

/** How much may be stored, with all that belongs to it: files, events and checkpoints. */
export interface StorageLimits {
  readonly storedBytesPerTenant: number;
  readonly storedBytesPerUser: number;
}

/** Bytes that are stored for a user, and for its tenant in all. A request counts for more than 1,000, whatever it holds. */
export interface StoredBytes {
  readonly tenant: number;
  readonly user: number;
}

export interface Submission {
  readonly key: RequestKey;
  readonly requestId: string;
  readonly owner: Owner;
  readonly action: string;
  readonly payload: JsonValue;
  /**
   * The payload's JSON text, made before any handler could change it: what is stored and, with the action, what tells a
   * repeat (the same text) from a clash (another) under one id or idempotency key (P4).
   */
  readonly payloadText: string;
  readonly idempotencyKey?: string;
  readonly metadata: RequestMetadata;
  readonly permissions: readonly string[];
  /** 0–9, 9 first. */
  readonly priority: number;
  /** Epoch ms; undefined is now. */
  readonly runAt?: number;
  /** What it asked for is a while of so many ms, not the moment that this comes to: a wall clock that jumps makes it no longer. */
  readonly delayMs?: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  /** Class of the payload's size: rules/input-size.ts. */
  readonly size: number;
  /** Runs at once of its action: what it may have to wait for. */
  readonly concurrency?: Concurrency;
  readonly retentionMs: number;
  /** Refused above these (P14). */
  readonly limits: QueueLimits & StorageLimits;
  /** The acknowledgment, given what a runnable request would wait for and whether it was claimed by this very write. */
  readonly acknowledge: (queue: { readonly place: Place; readonly claimed: boolean }) => EventBody;
  /** Its run was told to stop before it was durable: stored behind the acknowledgment, and remembered with the request (P8). */
  readonly cancellation?: EventBody;
  /** Claim in the same write, when a slot is free or a sync run is promoted. */
  readonly claim?: { readonly leaseMs: number };
}

export type SubmitOutcome =
  | { readonly outcome: "created"; readonly frames: readonly Frame[]; readonly claim?: Claim }
  /** Same id or idempotency key, same action and payload: what there is. */
  | { readonly outcome: "existing"; readonly record: RequestRecord }
  /** Same id or idempotency key, another payload. */
  | { readonly outcome: "conflict"; readonly requestId: string }
  | { readonly outcome: "refused"; readonly limit: keyof QueueLimits }
  | StorageFull;

/** More is stored than may be; `roomAt`, epoch ms: when the oldest that is stored for the user is forgotten, if that is known. */
export interface StorageFull {
  readonly outcome: "full";
  readonly limit: keyof StorageLimits;
  readonly bytes: number;
  readonly roomAt?: number;
}

/** The right to run one request; `attempt` is its fencing token. */
export interface Lease {
  readonly key: RequestKey;
  readonly attempt: number;
}

export interface Claim {
  readonly lease: Lease;
  readonly requestId: string;
  readonly owner: Owner;
  readonly action: string;
  readonly payload: JsonValue;
  readonly metadata: RequestMetadata;
  readonly permissions: readonly string[];
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  /** Attempts that failed before this one; releases and crashes are not among them. */
  readonly failures: number;
  /** Times the process running it died. */
  readonly crashes: number;
  readonly checkpoint?: JsonValue;
  readonly cancelRequested: boolean;
  /** What is stored for the run is damaged: payload, checkpoint, permissions and metadata are none. The run fails with it. */
  readonly damage?: Error;
  /** Epoch ms. */
  readonly submittedAt: number;
  /** Ms from being runnable to this claim. */
  readonly queueMs: number;
}

/** Which requests a process can take now. Requests whose action is in no lane are not claimed. */
export interface ClaimTerms {
  readonly leaseMs: number;
  /** Only this one, if it is runnable. */
  readonly key?: RequestKey;
  /** Free slots, by groups of actions. */
  readonly lanes: readonly { readonly actions: readonly string[]; readonly free: number }[];
  /** Runs at once over all processes; absent is unlimited. */
  readonly concurrency: Readonly<Record<string, Concurrency>>;
  /** A tenant's share of the slots in proportion to others'; absent is 1 for all. */
  readonly weightOf?: (tenantId: string) => number;
}

/** What there is for requests to wait for. */
export interface WaitTerms extends Pick<ClaimTerms, "concurrency"> {
  /** What is looked at; absent: all that the engine thinks may be worth telling. */
  readonly keys?: readonly RequestKey[];
  /** How many requests of which actions this process runs at once. */
  readonly lanes: readonly { readonly actions: readonly string[]; readonly slots: number }[];
}
/** A runnable request that does not run, and why. */
export interface Wait extends Place {
  readonly key: RequestKey;
  readonly action: string;
  readonly size: number;
}

export type Written = { readonly outcome: "written"; readonly frames: readonly Frame[] } | { readonly outcome: "lost" };

export interface Advance {
  /** Stored and numbered in this order. The newest progress replaces the one before it (P5). */
  readonly events: readonly EventBody[];
  readonly checkpoint?: JsonValue;
  /** The lease is renewed to this long from now. */
  readonly leaseMs: number;
}
export type AdvanceOutcome =
  | { readonly outcome: "advanced"; readonly frames: readonly Frame[]; readonly cancelRequested: boolean }
  | { readonly outcome: "lost" };

export interface Settlement {
  readonly status: "COMPLETED" | "FAILED" | "CANCELLED";
  readonly events: readonly EventBody[];
  /** Stored before the last event when cancellation had been asked for: the run was not told in time, and ended by itself (P8). */
  readonly tooLate?: EventBody;
  /** How long the handler ran in this attempt, for metrics. */
  readonly runMs: number;
}

export type CancelOutcome =
  /** It was waiting: it is CANCELLED now. */
  | { readonly outcome: "cancelled"; readonly frames: readonly Frame[] }
  /** It is running: its run will be told. Asking again writes nothing. */
  | { readonly outcome: "requested"; readonly frames: readonly Frame[] }
  | { readonly outcome: "too_late"; readonly seq: number }
  | { readonly outcome: "unknown" }
  | { readonly outcome: "expired" };

export interface RedriveTerms {
  readonly limits: QueueLimits & StorageLimits;
  /** Of whoever asks for it: what the run may do follows from these, not from those it was submitted with. */
  readonly permissions: readonly string[];
}
export type RedriveOutcome =
  | { readonly outcome: "redriven"; readonly frames: readonly Frame[] }
  | { readonly outcome: "refused"; readonly limit: keyof QueueLimits }
  | StorageFull
  | { readonly outcome: "not_failed"; readonly status: RequestStatus }
  | { readonly outcome: "unknown" }
  | { readonly outcome: "expired" };

/** What became of one request whose process died. */
export interface Recovery {
  readonly key: RequestKey;
  readonly outcome: "returned" | "quarantined" | "cancelled";
  readonly frames: readonly Frame[];
}

export interface RequestRecord {
  readonly key: RequestKey;
  readonly requestId: string;
  readonly owner: Owner;
  readonly action: string;
  readonly status: RequestStatus;
  readonly attempt: number;
  /** The newest seq given out. */
  readonly seq: number;
  readonly metadata: RequestMetadata;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly runAt: number;
  readonly endedAt?: number;
  readonly progress?: {
    readonly percentage: number;
    readonly message?: string;
    readonly stage?: string;
    readonly metadata?: Readonly<Record<string, JsonValue>>;
  };
  /** Present when COMPLETED; links in it are not signed yet. */
  readonly result?: JsonValue;
  /** What it waits for, while it is PENDING or RETRYING; absent when nobody has looked. */
  readonly waitingFor?: Place;
  /** Present when FAILED or CANCELLED: how it ended; when RETRYING: how the last attempt failed. */
  readonly error?: WireError & { readonly code: ErrorCode };
}

export type Lookup =
  | { readonly outcome: "found"; readonly record: RequestRecord }
  | { readonly outcome: "unknown" }
  | { readonly outcome: "expired" };

export interface ListQuery {
  readonly tenantId: string;
  readonly userId: string;
  readonly status?: RequestStatus;
  readonly action?: string;
  /** 1–100. */
  readonly limit: number;
  /** From an earlier page; newest first. A cursor that cannot be read starts at the newest. */
  readonly cursor?: string;
}

export interface Requests {
  submit(submission: Submission): Promise<SubmitOutcome>;
  /**
   * Takes runnable requests; each claim raises the attempt. Tenants take turns by their weights, and the users of one
   * among themselves; of one user's requests those of higher priority go first, then the longest waiting
   * (rules/fair-shares.ts).
   */
  claim(terms: ClaimTerms): Promise<readonly Claim[]>;
  /** Returns runnable requests whose reason to wait has changed, or that are much nearer to their turn (rules/waiting.ts). */
  waits(terms: WaitTerms): Promise<readonly Wait[]>;
  /** Stores what a request waits for, if it is still waiting. */
  wait(key: RequestKey, event: EventBody & { readonly type: "waiting" }): Promise<Written>;
  advance(lease: Lease, change: Advance): Promise<AdvanceOutcome>;
  /** PROCESSING → RETRYING until `runAt`. Counts a failure, unless `failures` is 0: the run waits for what is not there yet. */
  reschedule(
    lease: Lease,
    change: { readonly runAt: number; readonly events: readonly EventBody[]; readonly failures?: 0 | 1 },
  ): Promise<Written>;
  /** PROCESSING → PENDING, runnable now. Counts a crash when the process that ran it died. */
  release(lease: Lease, change: { readonly crashed: boolean }): Promise<Written>;
  settle(lease: Lease, settlement: Settlement): Promise<Written>;
  /** `whenWaiting` is stored when it ends at once, `whenRunning` when its run has to be told. */
  requestCancel(
    key: RequestKey,
    events: { readonly whenWaiting: readonly EventBody[]; readonly whenRunning: readonly EventBody[] },
  ): Promise<CancelOutcome>;
  /** FAILED → PENDING with a fresh count of failures and crashes; refused above its limits, as a new request is (P14). */
  redrive(key: RequestKey, acknowledgment: EventBody, terms?: RedriveTerms): Promise<RedriveOutcome>;
  /**
   * Takes back requests whose owner has died: to PENDING with one more crash, to FAILED at `quarantineAfter` crashes, to
   * CANCELLED when that had been asked for. `isAlive` tells which leases this process still runs: nothing is taken from
   * an owner that lives, however long it was away (P3).
   */
  recover(terms: {
    readonly isAlive: (lease: Lease) => boolean;
    readonly quarantineAfter: number;
    readonly quarantined: readonly EventBody[];
    readonly cancelled: readonly EventBody[];
  }): Promise<readonly Recovery[]>;
  /** Returns when the next waiting request becomes runnable (epoch ms), or undefined when none waits. */
  nextRunAt(): Promise<number | undefined>;
  get(key: RequestKey): Promise<Lookup>;
  /** The payload of a request, undefined when none is stored under the key. Rejects with DATA_LOSS when it is damaged. */
  payloadOf(key: RequestKey): Promise<JsonValue | undefined>;
  /** Whether more may be stored for an owner (P14): undefined when it may. Asked before a run begins, and before it stores a file. */
  full(owner: Owner, limits: StorageLimits): Awaitable<StorageFull | undefined>;
  /** Whether a request is stored under the key and within its retention. Asked before anything is run at once (P4). */
  has(key: RequestKey): Awaitable<boolean>;
  /**
   * Returns one page, without results. The number of requests looked at is bounded: a page may be short or empty and still
   * have a cursor. A page without a cursor is the last.
   */
  list(query: ListQuery): Promise<{ readonly records: readonly RequestRecord[]; readonly cursor?: string }>;
  /**
   * Removes up to `limit` requests whose retention has ended, and returns how many. `release` is awaited before each is
   * removed: what else belongs to the request goes first, so that a process that dies in between leaves nothing behind.
   */
  purge(limit: number, release: (key: RequestKey) => Promise<void>): Promise<number>;
}
