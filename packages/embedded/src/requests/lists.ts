/**
 * list: one page of a user's requests, newest first. However rare what is asked for, one answer looks at BUDGET of them:
 * a page may hold fewer than it could, or none, and still have a cursor. An index for each filter would be paid for by
 * every submit and every end; the one by user also finds where the look has to end without reading a row.
 */
import type { ListQuery, Requests } from "@streamer/core";
import { SELECT_LISTED, toRecord, type FullRow } from "./rows.ts";
import type { Store } from "../sqlite/store.ts";

/** About 2 ms of the loop, which belongs to everybody. */
const BUDGET = 1_000;
const CURSOR = /^[0-9a-z]{1,10}$/;

type Page = Awaited<ReturnType<Requests["list"]>>;

export function createList({
  db,
  clock,
  retention,
  backlog,
}: Pick<Store, "db" | "clock" | "retention" | "backlog">): (query: ListQuery) => Page {
  const lastOfLook = db.prepare("SELECT id FROM requests WHERE tenant = ? AND user = ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?");
  const select = db.prepare(`
    ${SELECT_LISTED} WHERE requests.tenant = $tenant AND requests.user = $user AND requests.id < $before AND requests.id >= $last
      AND (requests.expires_at IS NULL OR requests.expires_at > $now)
      AND ($status IS NULL OR requests.status = $status) AND ($action IS NULL OR requests.action = $action)
    ORDER BY requests.id DESC LIMIT $limit`);

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
    const records = page.map((row) => toRecord(row, backlog.placeOf(row.id, now)));
    return { records, ...(next !== undefined && { cursor: next.toString(36) }) };
  };
}
