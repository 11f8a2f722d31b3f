/** What is mirrored in memory is what the database holds, whatever fails in the middle of a write (G5). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock } from "@streamer/contract";
import { ALICE, BOB, CANCEL_EVENTS, COMPLETED, EVE, FAILED, LEASE_MS, RECOVERY, submission, terms } from "@streamer/contract/samples";
import type { Claim, EventBody, Requests } from "@streamer/core";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createRequests } from "../src/requests.ts";
import { createBacklog, type Backlog } from "../src/requests/backlog.ts";
import { openDatabase, type Database } from "../src/sqlite/database.ts";
import { silent } from "./harness.ts";
import { createUsage } from "../src/requests/usage.ts";
import { createStore, readBacklog, type Store } from "../src/sqlite/store.ts";

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "streamer-undo-"));
  database = openDatabase(folder);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const OWNERS = [ALICE, BOB, EVE];
const CONCURRENCY = { work: { total: 4, perTenant: 3 } };
/** Cannot be printed: the write that stores it throws where it comes to it. */
const bad = (event: EventBody): EventBody =>
  Object.assign({}, event, {
    toJSON: () => {
      throw new Error("unprintable");
    },
  });

/** All that a backlog can be asked, in an order that does not depend on how it came about. */
function contents(backlog: Backlog, now: number) {
  const later = Array.from(backlog.due(Number.MAX_SAFE_INTEGER), ({ id, action, tenant, user, priority, runAt }) => [
    id,
    action,
    tenant,
    user,
    priority,
    runAt,
  ]);
  return {
    waiting: backlog.waiting,
    limits: OWNERS.flatMap(({ tenantId, userId }) =>
      [1, 2, 3, 5].map((most) => [
        backlog.limitReached({ queued: most, queuedPerTenant: Infinity, queuedPerUser: Infinity }, tenantId, userId),
        backlog.limitReached({ queued: Infinity, queuedPerTenant: most, queuedPerUser: Infinity }, tenantId, userId),
        backlog.limitReached({ queued: Infinity, queuedPerTenant: Infinity, queuedPerUser: most }, tenantId, userId),
      ]),
    ),
    running: Array.from(backlog.running).sort((a, b) => a - b),
    places: OWNERS.flatMap(({ tenantId: tenant, userId: user }) =>
      [0, 5, 9].map((priority) => backlog.place({ action: "work", tenant, user, priority }, CONCURRENCY.work, now)),
    ),
    requests: later.sort(([a], [b]) => (a as number) - (b as number)),
  };
}

const command = fc.record({
  verb: fc.constantFrom(
    "submit",
    "submit",
    "submit",
    "claim",
    "claim",
    "settle",
    "fail",
    "retry",
    "release",
    "cancel",
    "recover",
    "redrive",
  ),
  id: fc.nat(12),
  owner: fc.nat(2),
  delay: fc.constantFrom(0, 0, 1_000, 60_000),
  isBad: fc.boolean(),
  endsTransaction: fc.constantFrom(false, false, false, true),
});
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

/** Rows whose bytes are not those of what is stored with them; the acknowledgment is counted with the row. */
const miscounted = ({ db }: Store) =>
  db
    .prepare(
      `SELECT id, bytes, 1024 + octet_length(payload) + octet_length(metadata) + octet_length(permissions)
        + coalesce((SELECT sum(octet_length(text)) FROM events WHERE request = requests.id AND seq > 1), 0)
        + coalesce((SELECT octet_length(state) FROM checkpoints WHERE request = requests.id), 0) AS stored
      FROM requests JOIN inputs ON request = id WHERE bytes <> stored`,
    )
    .all();

function createWorld(store: Store, requests: Requests, run: number) {
  const claims = new Map<string, Claim>();
  const clock = store.clock;
  const obey = async ({ verb, id, owner, delay, isBad }: Command): Promise<unknown> => {
    const name = `run${run}-${id}`;
    const said = submission(name, { owner: OWNERS[owner]!, priority: id % 10, ...(delay > 0 && { runAt: clock.now() + delay }) });
    const maybe = (event: EventBody): EventBody => (isBad ? bad(event) : event);
    const claim = claims.get(said.key);
    switch (verb) {
      case "submit": {
        const { acknowledge } = said;
        return requests.submit({ ...said, acknowledge: (queue) => maybe(acknowledge(queue)) });
      }
      case "claim":
        for (const one of await requests.claim(terms(2, { concurrency: CONCURRENCY }))) claims.set(one.lease.key, one);
        return undefined;
      case "settle":
        return claim && requests.settle(claim.lease, { ...COMPLETED, events: COMPLETED.events.map(maybe) });
      case "fail":
        return claim && requests.settle(claim.lease, { ...FAILED, events: FAILED.events.map(maybe) });
      case "retry":
        return claim && requests.reschedule(claim.lease, { runAt: clock.now() + delay, events: COMPLETED.events.map(maybe) });
      case "release":
        return claim && requests.release(claim.lease, { crashed: isBad });
      case "cancel":
        return requests.requestCancel(said.key, { ...CANCEL_EVENTS, whenWaiting: CANCEL_EVENTS.whenWaiting.map(maybe) });
      case "recover":
        // The first of them are taken back before the write comes to one that it cannot store.
        return requests.recover({ ...RECOVERY, quarantineAfter: 2, quarantined: RECOVERY.quarantined.map(maybe) });
      case "redrive":
        return requests.redrive(said.key, maybe({ type: "acknowledgment", status: "queued", message: "again" }));
    }
  };
  return obey;
}

it("G5 after any writes and failures it is what a fresh reading finds", async () => {
  const clock = createManualClock();
  const store = createStore({ database, clock, log: silent, onRunnable: () => {} });
  const requests = createRequests(store);
  let run = 0;
  const play = async (rounds: readonly (readonly Command[])[]): Promise<void> => {
    run += 1;
    const obey = createWorld(store, requests, run);
    for (const round of rounds) {
      // Of one turn, so of one transaction; some transactions end before their time, as on a full disk.
      const writes = round.map(obey);
      if (round.some(({ endsTransaction }) => endsTransaction)) {
        writes.push(
          store.write(() => {
            store.db.exec("ROLLBACK");
            throw new Error("disk full");
          }),
        );
      }
      await Promise.allSettled(writes);
      await clock.advance(LEASE_MS / 2);
      const fresh = createBacklog(undefined, () => clock.monotonic());
      readBacklog(store.db, fresh, { clock, damage: store.damage });
      const now = clock.now();
      const usage = createUsage(store.db, { note: () => {} });
      for (const { tenantId, userId } of OWNERS) expect(store.usage.of(tenantId, userId)).toEqual(usage.of(tenantId, userId));
      expect(miscounted(store)).toEqual([]);
      const mirrored = contents(store.backlog, now);
      expect(mirrored).toEqual(contents(fresh, now));
    }
  };
  await fc.assert(fc.asyncProperty(fc.array(fc.array(command, { minLength: 1, maxLength: 5 }), { minLength: 5, maxLength: 15 }), play), {
    numRuns: 60,
  });
});

it("G5 a claim that fails half way leaves the request waiting, and others with it", async () => {
  const store = createStore({ database, clock: createManualClock(), log: silent, onRunnable: () => {} });
  const requests = createRequests(store);
  for (const id of ["r1", "r2"]) await requests.submit(submission(id));
  store.db.exec("UPDATE requests SET status = 'COMPLETED' WHERE id = 2");
  await expect(requests.claim(terms(5))).rejects.toThrow("not in the database");
  expect([store.backlog.waiting, [...store.backlog.running]]).toEqual([2, []]);
  store.db.exec("UPDATE requests SET status = 'PENDING' WHERE id = 2");
  expect(await requests.claim(terms(5))).toHaveLength(2);
});
