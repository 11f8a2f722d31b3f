/** How requests are named: ids are made by clients, so a key joins them with the owner (P4, P10). */
import type { Owner, RequestKey } from "../ports/requests.ts";

/** Injective: the separator cannot occur in an encoded part. */
export function requestKey(owner: Owner, requestId: string): RequestKey {
  return `${ownerName(owner)}/${encodeURIComponent(requestId)}` as RequestKey;
}

/** By owner, as connections hold them: a name is asked for with each of their requests. */
const names = new WeakMap<Owner, string>();

/** Tells the users of all tenants apart. */
export function ownerName(owner: Owner): string {
  let name = names.get(owner);
  if (name === undefined) names.set(owner, (name = `${encodeURIComponent(owner.tenantId)}/${encodeURIComponent(owner.userId)}`));
  return name;
}

/** The id that a client gave, out of a key or the key of a blob. */
export function requestIdOf(key: string): string {
  return decodeURIComponent(key.split("/", 3)[2]!);
}

/** Where the blobs of a request live: every key starts so, and nothing else's does. */
export function blobPrefix(key: RequestKey): string {
  return `${key}/`;
}
