/**
 * What the store says after each write, against what it said before: nothing durable changes or goes, an end stays an end,
 * limits hold (P1, P2, P3, P5, P14). Also what was promised to somebody: an acknowledged request is there, whatever dies.
 */
import { isTerminal, type RequestStatus } from "@streamer/protocol";
import type { RequestKey } from "@streamer/core";
import type { Deployment, StoredRequest } from "../engine.ts";
import type { Plan } from "../plan.ts";
import { checkEventLog } from "./event-log.ts";
import type { Report } from "./findings.ts";

export interface Ledger {
  touched(key: RequestKey): void;
  /** An acknowledgment is about to leave. */
  acknowledged(key: RequestKey, seq: number): void;
  /** After a death: what was acknowledged is still there, as it was. */
  checkAll(): void;
  readonly acknowledgedKeys: ReadonlySet<RequestKey>;
  /** As of the last write: what the store said then. */
  read(key: RequestKey): StoredRequest | undefined;
  readonly haveAllEnded: boolean;
  /** Likewise, all there is. */
  all(): Iterable<StoredRequest>;
}

export interface LedgerParts {
  readonly contents: () => Deployment;
  readonly plan: Plan;
  readonly report: Report;
  readonly wallNow: () => number;
  /** Whether the process lives that runs, or has run, that attempt. */
  readonly isAlive: (key: RequestKey, attempt: number) => boolean;
  /** It waited, and has been claimed. */
  readonly onClaimed: (request: StoredRequest) => void;
}

/** Then it is a dead letter. */
const MOST_CRASHES = 3;
const WAITS: ReadonlySet<RequestStatus> = new Set(["PENDING", "RETRYING"]);
const typeOf = (text: string): string => /^\{"type":"(\w+)"/.exec(text)?.[1] ?? "";
const durable = ({ events }: StoredRequest): StoredRequest["events"] => events.filter(({ text }) => typeOf(text) !== "progress");

export function createLedger({ contents, plan, report, wallNow, isAlive, onClaimed }: LedgerParts): Ledger {
  const known = new Map<RequestKey, StoredRequest>();
  const acknowledgedKeys = new Set<RequestKey>();
  const { queued = Infinity, queuedPerTenant = Infinity } = plan.options.admission ?? {};

  const count = (matches: (stored: StoredRequest) => boolean): number => Array.from(known.values()).filter(matches).length;

  /** Only once its retention is over (P7). A clock that jumps may be ahead of this one. */
  const mayBeGone = ({ expiresAt, status }: StoredRequest): boolean =>
    isTerminal(status) && expiresAt !== undefined && (expiresAt <= wallNow() || plan.features.has("wall-jumps"));

  function checkLimits(stored: StoredRequest): void {
    const { action, owner } = stored;
    const running = (of: (other: StoredRequest) => boolean): number =>
      count((other) => other.status === "PROCESSING" && other.action === "limited" && of(other));
    if (stored.status === "PROCESSING" && action === "limited" && plan.features.has("concurrency")) {
      if (running(() => true) > 2) report("P14", `more than 2 of action "limited" run at once, with ${stored.key}`);
      if (running((other) => other.owner.tenantId === owner.tenantId) > 1)
        report("P14", `more than 1 of action "limited" run at once for tenant ${owner.tenantId}, with ${stored.key}`);
    }
  }

  function checkEnds({ key, status, crashes, endedAt, expiresAt }: StoredRequest): void {
    if (crashes >= MOST_CRASHES && !isTerminal(status)) report("P3", `${key} is ${status}, and its process has died ${crashes} times`);
    const leastMs = plan.options.retentionMs ?? 0;
    if (isTerminal(status) && !plan.features.has("wall-jumps") && (expiresAt ?? 0) - (endedAt ?? 0) < leastMs - 1)
      report("P7", `${key} ended at ${endedAt}, and is kept until ${expiresAt}, not for ${leastMs} ms`);
  }

  function checkAdmission({ owner, key }: StoredRequest): void {
    // A count that was changed and whose answer was lost is changed again: it may be off by one (aws/requests/limits.ts).
    if (contents().transport === "api-gateway" && plan.features.has("refusals")) return;
    // Over a slow store it is looked at later than it was accepted, and on AWS it is counted before it is written: runs may
    // have gone back to the queue meanwhile, which no limit refuses.
    const isLater = plan.features.has("slow-store") || contents().transport === "api-gateway";
    const isCounted = ({ status, attempt }: StoredRequest): boolean => WAITS.has(status) && (attempt === 0 || !isLater);
    const waiting = count(isCounted);
    const ofTenant = count((other) => isCounted(other) && other.owner.tenantId === owner.tenantId);
    if (waiting > queued) report("P14", `${key} was accepted as number ${waiting} of those that wait; the limit is ${queued}`);
    if (ofTenant > queuedPerTenant)
      report("P14", `${key} was accepted as number ${ofTenant} of its tenant; the limit is ${queuedPerTenant}`);
  }

  function compare(before: StoredRequest, now: StoredRequest): void {
    const what = `${now.key} was ${before.status} of attempt ${before.attempt} at seq ${before.seq}, and is ${now.status} of ${now.attempt} at ${now.seq}`;
    if (now.seq < before.seq) report("P5", `its seq went back: ${what}`);
    if (now.attempt < before.attempt) report("P3", `its attempt went back: ${what}`);
    if ((before.status === "COMPLETED" || before.status === "CANCELLED") && (now.status !== before.status || now.seq !== before.seq))
      report("P2", `what had ended changed: ${what}`);
    if (
      before.status === "FAILED" &&
      now.seq !== before.seq &&
      now.events.every(({ seq, text }) => seq <= before.seq || typeOf(text) !== "acknowledgment")
    )
      report("P2", `what had failed changed without a retry by hand: ${what}`);
    const [old, all] = [durable(before), durable(now)];
    const changed = old.find(({ seq, text }, at) => all[at]?.seq !== seq || all[at].text !== text);
    if (changed) report("P5", `durable event ${changed.seq} of ${now.key} is gone or another: ${changed.text}`);
  }

  function look(key: RequestKey): void {
    const before = known.get(key);
    const now = contents().read(key);
    if (!now) {
      if (before && !mayBeGone(before)) report("P1", `${key} is gone; it was ${before.status} at seq ${before.seq}`);
      known.delete(key);
      return;
    }
    // Forgotten after its retention, and asked for again.
    if (before && before.createdAt !== now.createdAt && mayBeGone(before)) {
      known.delete(key);
      return look(key);
    }
    known.set(key, now);
    if (before?.seq === now.seq && before.status === now.status && before.attempt === now.attempt) return;
    if (before) {
      compare(before, now);
      if (WAITS.has(before.status) && now.status === "PROCESSING") onClaimed(now);
      // Where one process has all runs, nothing is taken from it while it lives, however long it was away (P3).
      if (contents().transport === "socket" && now.crashes > before.crashes && isAlive(key, before.attempt))
        report("P3", `${key} was taken from attempt ${before.attempt}, whose process lives`);
      if (before.status === "FAILED" && now.status === "PENDING") checkAdmission(now);
    } else if (now.status === "PENDING" && now.attempt === 0) checkAdmission(now);
    checkEventLog(now, report);
    checkLimits(now);
    checkEnds(now);
  }

  return {
    acknowledgedKeys,
    read: (key) => known.get(key),
    all: () => known.values(),
    get haveAllEnded() {
      for (const { status } of known.values()) if (!isTerminal(status)) return false;
      return true;
    },
    touched: look,
    acknowledged: (key, seq) => {
      const stored = contents().read(key);
      if (!stored && !known.has(key)) report("P1", `an acknowledgment of ${key} leaves, and the store does not have it`);
      if (stored && stored.seq < seq) report("P1", `an acknowledgment of ${key} with seq ${seq} leaves; the store is at ${stored.seq}`);
      acknowledgedKeys.add(key);
    },
    checkAll: () => {
      for (const key of known.keys()) look(key);
      for (const problem of contents().check()) report("P1", `the store is broken inside: ${problem}`);
    },
  };
}
