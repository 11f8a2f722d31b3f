/** Bulk operations in batches of one: each batch is made safe on the disk. */
import { open } from "../connection.ts";
import { pause, type Theme } from "../theme.ts";

const ITEMS = Array.from({ length: 3_000 }, (_, at) => ({ id: `i${at}`, value: 1 }));
const GOES_ON_MS = 12_000;

export const smallBatches: Theme = {
  name: "small-batches",
  does: "bulk operations of 3,000 batches of one item, at once",
  unit: "operations",
  counts: { ci: 48, release: 400 },
  smoke: 8,
  limitSeconds: { ci: 120, release: 300 },
  async attack({ target, count }) {
    const connection = await open(target, "attacker");
    for (let at = 0; at < count; at += 1) {
      const payload = { operation_type: "create", entity_type: `t${at}`, items: ITEMS, batch_size: 1 } as const;
      connection.send({ type: "request", id: `bulk-${at}`, action: "bulk_operation", payload, options: { mode: "async" } });
      await pause(20);
    }
    await pause(GOES_ON_MS);
    for (let at = 0; at < count; at += 1) connection.send({ type: "cancel", request_id: `bulk-${at}` });
    await pause(3_000);
    const { heard } = connection;
    connection.close();
    return {
      counted: { operations: count, acknowledged: heard.get("acknowledgment") ?? 0, limited: heard.get("RATE_LIMITED") ?? 0 },
      broken: [],
    };
  },
};
