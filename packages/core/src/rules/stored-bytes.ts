/** How much is stored for whom, and what is told of it (P14). Pure. */
import { StreamerError } from "../errors.ts";
import type { StorageFull, StorageLimits, StoredBytes } from "../ports/requests.ts";

/** Of a request, its names, its indexes, its acknowledgment and its newest progress: what it takes that holds nothing. */
export const REQUEST_BYTES = 1_024;
/** Of a file, what is known of it and the block that a file system gives it. */
export const FILE_BYTES = 4_096;

/** The limit that `more` bytes would be over, if there is one. */
export function storageLimit(stored: StoredBytes, more: number, limits: StorageLimits): Pick<StorageFull, "limit" | "bytes"> | undefined {
  if (stored.user + more > limits.storedBytesPerUser) return { limit: "storedBytesPerUser", bytes: stored.user };
  if (stored.tenant + more > limits.storedBytesPerTenant) return { limit: "storedBytesPerTenant", bytes: stored.tenant };
  return undefined;
}

/** Room comes when something is forgotten; nobody knows when, where that has not ended yet. */
const UNKNOWN_AFTER_MS = 60_000;
const WHOSE: Readonly<Record<keyof StorageLimits, string>> = { storedBytesPerUser: "you", storedBytesPerTenant: "your tenant" };

export function storageFull(
  requestId: string,
  { limit, bytes, roomAt }: Omit<StorageFull, "outcome">,
  { most, now }: { readonly most: StorageLimits; readonly now: number },
): StreamerError {
  const message = `${bytes} bytes are stored for ${WHOSE[limit]}; ${most[limit]} is the limit. "${requestId}" finds room when older requests are past their retention.`;
  return new StreamerError("RATE_LIMITED", message, {
    requestId,
    details: { quota: limit, stored_bytes: bytes, limit_bytes: most[limit] },
    afterMs: roomAt === undefined ? UNKNOWN_AFTER_MS : Math.max(UNKNOWN_AFTER_MS, roomAt - now),
  });
}
