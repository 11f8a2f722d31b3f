/**
 * The key set of an identity provider, fetched from its URL. An outage of the provider is never told as a bad token:
 *
 * - K1 a key at hand goes on verifying, however old the set, while a newer one cannot be fetched;
 * - K2 a key is unknown only to a set whose fetch began after the token came; until then the set is unavailable;
 * - K3 one fetch at a time, of bounded time and size, at most one a second, whatever tokens come.
 */
import { asError, type Awaitable, type Clock, type Log } from "@streamer/core";
import type { Claims } from "./compact-token.ts";
import type { Algorithm } from "./signature.ts";
import { MAX_KEY_SET_BYTES, parseKeySet, toTrustedSet, type GivenKeySet, type TrustedKey, type TrustedSet } from "./trusted-set.ts";

/** The keys could not be fetched: nothing can be said about the token. */
export class KeysUnavailable extends Error {
  constructor() {
    super("The key set cannot be fetched.");
    this.name = "KeysUnavailable";
  }
}

export interface KeySetParts {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  readonly log: Log;
}

/** Age at which the set is fetched again, so that withdrawn keys are forgotten within a minute. */
const MAX_AGE_MS = 45_000;
const FETCH_TIMEOUT_MS = 5_000;
/** Tokens of known keys wait no longer than this for a newer set. */
const REFRESH_PATIENCE_MS = 500;
const MIN_INTERVAL_MS = 1_000;
/** How often an outage is logged, after its beginning and before its end. */
const LOG_EVERY_MS = 60_000;
/** A set that is asked for its newest state is at most this old. */
const RENEW_MS = 15_000;

interface KeySet extends TrustedSet {
  /** When its fetch began. */
  readonly askedAt: number;
}

/** At once where that is known, and else once it is. */
export type FindKeys = (header: Claims, algorithm: Algorithm) => Awaitable<readonly TrustedKey[]>;

export interface FetchedKeys {
  readonly find: FindKeys;
  /** Fetches the set again unless that was done a moment ago. Never rejects: an outage leaves what there is. */
  renew(): Promise<void>;
  /** False only of a key that a set fetched does not hold. */
  holds(keyId: string): boolean;
  /** Another number when the keys have changed; undefined before they were fetched. */
  version(): number | undefined;
  condition(): "ready" | "stale" | "missing";
}

export function createKeySet(url: URL, { clock, log }: KeySetParts): FetchedKeys {
  const place = url.origin + url.pathname;
  let set: KeySet | undefined;
  let startedAt = -Infinity;
  let outage: { readonly since: number; failures: number; loggedAt: number; failedAt: number } | undefined;
  let pending: Promise<void> | undefined;

  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

  function failed(cause: unknown): void {
    const now = clock.monotonic();
    outage ??= { since: now, failures: 0, loggedAt: -Infinity, failedAt: now };
    outage.failures += 1;
    outage.failedAt = now;
    if (now - outage.loggedAt < LOG_EVERY_MS) return;
    outage.loggedAt = now;
    const fields = { err: asError(cause), key_set: place, failures: outage.failures, keys_at_hand: set?.keyCount ?? 0 };
    log.error(
      fields,
      set
        ? "the key set cannot be fetched; the keys fetched before are still used"
        : "the key set cannot be fetched: no token can be verified",
    );
  }

  async function load(): Promise<void> {
    startedAt = clock.monotonic();
    const askedAt = startedAt;
    try {
      const keys = await fetchKeys(url);
      set = { ...toTrustedSet(keys), askedAt };
    } catch (error) {
      failed(error);
      return;
    }
    if (outage)
      log.info(
        { key_set: place, failures: outage.failures, outage_ms: Math.round(clock.monotonic() - outage.since) },
        "the key set can be fetched again",
      );
    outage = undefined;
  }

  /** Never rejects: what could not be fetched is known by what there is afterwards. */
  function refresh(): Promise<void> {
    return (pending ??= load().finally(() => {
      pending = undefined;
    }));
  }

  const isOld = (now: number): boolean => set === undefined || now - set.askedAt > MAX_AGE_MS;
  const hasJustFailed = (): boolean => outage !== undefined && clock.monotonic() - outage.failedAt < MIN_INTERVAL_MS;

  /** Makes sure that a fetch began no earlier than `since`, unless it would be one too many (K3). */
  async function refreshSince(since: number): Promise<void> {
    await pending;
    if (startedAt >= since || hasJustFailed()) return;
    const waitMs = startedAt + MIN_INTERVAL_MS - clock.monotonic();
    if (waitMs > 0) await sleep(waitMs);
    await (startedAt >= since ? pending : refresh());
  }

  async function findAnew(header: Claims, algorithm: Algorithm, cameAt: number): Promise<readonly TrustedKey[]> {
    // Without any key there is nothing to do but wait.
    if (isOld(cameAt) && !hasJustFailed()) await (set ? Promise.race([refresh(), sleep(REFRESH_PATIENCE_MS)]) : refresh());
    const known = set?.find(header, algorithm) ?? [];
    if (known.length > 0) return known;
    await refreshSince(cameAt);
    if (set && set.askedAt >= cameAt) return set.find(header, algorithm);
    throw new KeysUnavailable();
  }

  return {
    find: (header, algorithm) => {
      const cameAt = clock.monotonic();
      const known = isOld(cameAt) ? [] : set!.find(header, algorithm);
      return known.length > 0 ? known : findAnew(header, algorithm, cameAt);
    },
    holds: (keyId) => set?.holds(keyId) ?? true,
    version: () => set?.version,
    condition: () => (set === undefined ? "missing" : outage ? "stale" : "ready"),
    renew: async () => {
      const isNew = set !== undefined && clock.monotonic() - set.askedAt < RENEW_MS;
      if (!isNew && !hasJustFailed()) await refresh();
    },
  };
}

async function fetchKeys(url: URL): Promise<GivenKeySet> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const response = await fetch(url, { signal, redirect: "manual", headers: { accept: "application/jwk-set+json, application/json" } });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`it answered with status ${response.status}`);
  }
  return parseKeySet(await readText(response));
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_KEY_SET_BYTES) throw new Error(`its answer is larger than ${MAX_KEY_SET_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
