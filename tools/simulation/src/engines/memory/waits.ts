/** Why requests wait, and which of them has news of it. What was offered once counts as told. */
import { isNews, type Place, type Requests, type Wait } from "@streamer/core";
import type { Row } from "./data.ts";
import { append, print } from "./rows.ts";
import type { State } from "./state.ts";

export function createWaits({ data, clock, queue, write }: State): Pick<Requests, "waits" | "wait"> {
  return {
    waits: async ({ keys, lanes, concurrency }) => {
      const groups = new Map<string, { readonly reason: Place["reason"]; readonly rows: Row[] }>();
      for (const row of queue.due()) {
        const lane = lanes.findIndex(({ actions, slots }) => slots > 0 && actions.includes(row.action));
        const reason = lane === -1 ? "no_worker" : (queue.heldBy(row, concurrency[row.action]) ?? "queue");
        const shared = {
          no_worker: "",
          queue: lane,
          action_concurrency: row.action,
          tenant_concurrency: `${row.action}/${row.owner.tenantId}`,
        };
        const name = `${reason} ${shared[reason]}`;
        const group = groups.get(name) ?? { reason, rows: [] };
        groups.set(name, group);
        group.rows.push(row);
      }
      const news: Wait[] = [];
      for (const { reason, rows } of groups.values()) {
        for (const [position, row] of queue.inOrder(rows).entries()) {
          const place: Place = reason === "no_worker" ? { reason } : { reason, position };
          if ((keys && !keys.includes(row.key)) || !isNews(row.told, place, clock.now())) continue;
          row.told = { ...place, at: clock.now() };
          news.push({ ...place, key: row.key, action: row.action, size: row.size });
        }
      }
      return news;
    },
    wait: (key, event) =>
      write(() => {
        const row = data.rows.get(key);
        if (!row || (row.status !== "PENDING" && row.status !== "RETRYING")) return { outcome: "lost" };
        const frames = print(row, [event], clock.now());
        append(row, frames, [event]);
        return { outcome: "written", frames };
      }),
  };
}
