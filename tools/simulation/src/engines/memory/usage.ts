/** How much is stored for whom, by looking at all there is. */
import { REQUEST_BYTES, storageLimit, type Owner, type StorageFull, type StorageLimits, type StoredBytes } from "@streamer/core";
import type { Data, Row } from "./data.ts";

export interface Usage {
  /** Whether `more` bytes would be over a limit of the owner. */
  full(owner: Owner, limits: StorageLimits, more?: number): StorageFull | undefined;
}

export const bytesOf = (payloadText: string): number => REQUEST_BYTES + Buffer.byteLength(payloadText);

export function createUsage({ rows }: Data): Usage {
  function stored({ tenantId, userId }: Owner): StoredBytes {
    let [tenant, user] = [0, 0];
    for (const row of rows.values()) {
      if (row.owner.tenantId !== tenantId) continue;
      const bytes = bytesOfRow(row);
      tenant += bytes;
      if (row.owner.userId === userId) user += bytes;
    }
    return { tenant, user };
  }

  return {
    full(owner, limits, more = 0) {
      if (limits.storedBytesPerUser === Infinity && limits.storedBytesPerTenant === Infinity) return undefined;
      const over = storageLimit(stored(owner), more, limits);
      if (!over) return undefined;
      const own = Array.from(rows.values()).filter((row) => row.owner.tenantId === owner.tenantId && row.owner.userId === owner.userId);
      const roomAt = own.toSorted((a, b) => a.id - b.id)[0]?.expiresAt;
      return { outcome: "full", ...over, ...(roomAt !== undefined && { roomAt }) };
    },
  };
}

function bytesOfRow({ payloadText, metadata, permissions, events, checkpoint = "" }: Row): number {
  const texts = [JSON.stringify(metadata), JSON.stringify(permissions), checkpoint, ...events.slice(1).map(({ text }) => text)];
  return bytesOf(payloadText) + texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
