/** Whether more may be stored for an owner (P14): what is stored is counted in memory, and when room comes is one row. */
import { storageLimit, type Owner, type StorageFull, type StorageLimits } from "@streamer/core";
import type { Store } from "../sqlite/store.ts";

export type Fullness = (owner: Owner, limits: StorageLimits, more?: number) => StorageFull | undefined;

export function createFullness({ db, usage }: Pick<Store, "db" | "usage">): Fullness {
  const oldest = db.prepare("SELECT expires_at FROM requests WHERE tenant = ? AND user = ? ORDER BY id LIMIT 1");
  return ({ tenantId, userId }, limits, more = 0) => {
    const over = storageLimit(usage.of(tenantId, userId), more, limits);
    if (!over) return undefined;
    const roomAt = oldest.get(tenantId, userId)?.["expires_at"] as number | null | undefined;
    return { outcome: "full", ...over, ...(typeof roomAt === "number" && { roomAt }) };
  };
}
