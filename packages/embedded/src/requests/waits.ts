/**
 * Why requests wait, by the backlog: which of them has news to be told, and where each stands among those that wait for
 * the same. What was offered once counts as told: it is remembered in memory alone.
 */
import { isNews, heldBy, mayBeNews, type Place, type RequestKey, type Requests, type Wait, type WaitTerms } from "@streamer/core";
import type { DueRequest } from "./backlog.ts";
import type { RequestRow } from "./rows.ts";
import type { Store } from "../sqlite/store.ts";
import type { Transitions } from "./transitions.ts";

/** News of one round: their events are one commit. */
const MAX_NEWS = 1_000;

/** All that wait for the same thing. */
interface Group {
  readonly reason: Place["reason"];
  readonly requests: DueRequest[];
  mayHaveNews: boolean;
}

export function createWaits(store: Store, transitions: Pick<Transitions, "note">): Pick<Requests, "waits" | "wait"> {
  const { db, clock, backlog, log } = store;
  const byId = db.prepare("SELECT key, action, size FROM requests WHERE id = ?");
  const idOf = db.prepare("SELECT id FROM requests WHERE key = ?");
  const waiting = db.prepare("SELECT id, request_id, seq, tenant, user FROM requests WHERE key = ? AND status IN ('PENDING', 'RETRYING')");

  function groups(terms: WaitTerms, now: number, isAsked: (id: number) => boolean): Iterable<Group> {
    const laneOf = new Map(
      terms.lanes.flatMap(({ actions, slots }, lane) => (slots > 0 ? actions.map((action) => [action, lane] as const) : [])),
    );
    const groupOf = ({ action, tenant, line }: DueRequest): Group => {
      const held = heldBy({ total: line.action.running, perTenant: line.running }, terms.concurrency[action]);
      const lane = laneOf.get(action);
      const reason = lane === undefined ? "no_worker" : (held ?? "queue");
      const shared = { no_worker: "", queue: lane, action_concurrency: action, tenant_concurrency: `${action}/${tenant}` }[reason];
      const name = `${reason} ${shared}`;
      const known = all.get(name) ?? { reason, requests: [], mayHaveNews: false };
      all.set(name, known);
      return known;
    };
    const all = new Map<string, Group>();
    // A line waits as one: of the many requests in it only the first is looked at closely.
    const byLine = new Map<DueRequest["line"], Group>();
    for (const request of backlog.due(now)) {
      let group = byLine.get(request.line);
      if (!group) byLine.set(request.line, (group = groupOf(request)));
      group.requests.push(request);
      group.mayHaveNews ||= isAsked(request.id) && mayBeNews(request.told, group.reason, now);
    }
    return all.values();
  }

  return {
    waits: async (terms) => {
      if (backlog.waiting === 0) return [];
      const now = clock.now();
      const asked = terms.keys && new Set(terms.keys.map((key) => idOf.get(key)?.["id"] as number | undefined));
      const isAsked = (id: number): boolean => !asked || asked.has(id);
      const news: Wait[] = [];
      for (const { reason, requests, mayHaveNews } of groups(terms, now, isAsked)) {
        if (!mayHaveNews || news.length >= MAX_NEWS) continue;
        for (const [position, request] of backlog.inOrder(requests).entries()) {
          const place: Place = reason === "no_worker" ? { reason } : { reason, position };
          if (news.length >= MAX_NEWS || !isAsked(request.id) || !isNews(request.told, place, now)) continue;
          request.told = { ...place, at: now };
          const row = byId.get(request.id) as Pick<RequestRow, "key" | "action" | "size"> | undefined;
          if (row) news.push({ ...place, key: row.key, action: row.action, size: row.size });
        }
      }
      return news;
    },
    wait: (key: RequestKey, event) =>
      store.write(() => {
        const row = waiting.get(key) as Pick<RequestRow, "id" | "request_id" | "seq" | "tenant" | "user"> | undefined;
        if (!row) return { outcome: "lost" };
        const appended = log.append(row, [event]);
        transitions.note(row, appended);
        return { outcome: "written", frames: appended.frames };
      }),
  };
}
