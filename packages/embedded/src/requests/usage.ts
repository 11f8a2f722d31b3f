/**
 * How much is stored for each tenant and user, mirrored in memory: each row of `requests` has its own bytes, and these are
 * their sums. Read once at the start; a write that is rolled back takes its part back with it (undo-log.ts).
 */
import type { DatabaseSync } from "node:sqlite";
import type { StoredBytes } from "@streamer/core";
import type { UndoLog } from "../sqlite/undo-log.ts";

export interface Usage {
  of(tenant: string, user: string): StoredBytes;
  /** To be called in the write that stores or forgets so many bytes. */
  add(tenant: string, user: string, bytes: number): void;
}

interface TenantUsage {
  bytes: number;
  readonly users: Map<string, number>;
}

export function createUsage(db: DatabaseSync, { note }: Pick<UndoLog, "note">): Usage {
  const tenants = new Map<string, TenantUsage>();

  function add(name: string, user: string, bytes: number): void {
    if (bytes === 0) return;
    let tenant = tenants.get(name);
    if (!tenant) tenants.set(name, (tenant = { bytes: 0, users: new Map() }));
    tenant.bytes += bytes;
    const own = (tenant.users.get(user) ?? 0) + bytes;
    if (own > 0) tenant.users.set(user, own);
    else tenant.users.delete(user);
    if (tenant.users.size === 0) tenants.delete(name);
    note(() => add(name, user, -bytes));
  }

  for (const row of db.prepare("SELECT tenant, user, sum(bytes) AS bytes FROM requests GROUP BY tenant, user").iterate()) {
    add(row["tenant"] as string, row["user"] as string, row["bytes"] as number);
  }

  return {
    of: (name, user) => {
      const tenant = tenants.get(name);
      return { tenant: tenant?.bytes ?? 0, user: tenant?.users.get(user) ?? 0 };
    },
    add,
  };
}
