/**
 * list: one page of a user's requests, newest first. However rare what is asked for, one answer looks at BUDGET of them:
 * a page may hold fewer than it could, or none, and still have a cursor. An index for each filter would be paid for by
 * every submit and every end; the one by user also finds where the look has to end without reading a row.
 */
import { wireError } from "@streamer/protocol";
import { requestIdOf, requestKey, type ListQuery, type Owner, type RequestRecord, type Requests } from "@streamer/core";
import { IS_INTACT, isIntact } from "../sqlite/checksums.ts";
import { dataLoss } from "../sqlite/damage.ts";
import { damageOf, recordOf, SELECT_LISTED, type FullRow } from "./rows.ts";
import type { Store } from "../sqlite/store.ts";

/** About 2 ms of the loop, which belongs to everybody. */
const BUDGET = 1_000;
const UNKNOWN = { action: "unknown", attempt: 0, seq: 0, created_at: 0, run_at: 0 };
const CURSOR = /^[0-9a-z]{1,10}$/;

type Page = Awaited<ReturnType<Requests["list"]>>;

export function createList({
  db,
  clock,
  retention,
  backlog,
  damage,
}: Pick<Store, "db" | "clock" | "retention" | "backlog" | "damage">): (query: ListQuery) => Page {
  const lastOfLook = db.prepare("SELECT id FROM requests WHERE tenant = ? AND user = ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?");
  const idOf = db.prepare("SELECT id FROM requests WHERE key = ?");
  const select = db.prepare(`
    ${SELECT_LISTED} WHERE requests.tenant = $tenant AND requests.user = $user AND requests.id < $before AND requests.id >= $last
      AND (requests.expires_at IS NULL OR requests.expires_at > $now OR NOT ${IS_INTACT})
      AND ($status IS NULL OR requests.status = $status) AND ($action IS NULL OR requests.action = $action)
    ORDER BY requests.id DESC LIMIT $limit`);

  /** A page is no worse for one that is damaged: that one has FAILED, as far as anybody can tell. */
  const remainsOf = (row: FullRow, damaged: string, owner: Owner): RequestRecord => {
    // The index has the key once more, and the key holds the id.
    const key = [requestKey(owner, row.request_id), row.key].find((candidate) => idOf.get(candidate)?.["id"] === row.id);
    if (key === undefined) throw damage.note(dataLoss(`record ${row.id}`));
    const requestId = requestIdOf(key);
    const { code, message } = damage.note(dataLoss(damaged, requestId));
    const error = wireError(code, message);
    const { action, attempt, seq, created_at: createdAt, run_at: runAt } = isIntact(row) ? row : UNKNOWN;
    return { key, requestId, owner, action, status: "FAILED", attempt, seq, metadata: {}, createdAt, runAt, error };
  };

  return ({ tenantId: tenant, userId: user, status = null, action = null, limit, cursor }) => {
    const before = cursor !== undefined && CURSOR.test(cursor) ? Number.parseInt(cursor, 36) : Number.MAX_SAFE_INTEGER;
    const last = lastOfLook.get(tenant, user, before, BUDGET - 1)?.["id"] as number | undefined;
    const rows = select.all({
      tenant,
      user,
      before,
      last: last ?? 0,
      now: retention.earliest(),
      status,
      action,
      limit: limit + 1,
    }) as unknown as FullRow[];
    const page = rows.slice(0, limit);
    const next = rows.length > limit ? page.at(-1)!.id : last;
    const now = clock.now();
    const records = page.map((row) => {
      const damaged = damageOf(row, true);
      return damaged === undefined
        ? recordOf(row, backlog.placeOf(row.id, now))
        : remainsOf(row, damaged, { tenantId: tenant, userId: user });
    });
    return { records, ...(next !== undefined && { cursor: next.toString(36) }) };
  };
}
