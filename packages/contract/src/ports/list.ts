/** Listing: pages, newest first, of what one may see and nothing else (P10). */
import { expect } from "vitest";
import type { Engine, ListQuery, RequestRecord } from "@streamer/core";
import type { ContractTest } from "../harness.ts";
import { ALICE, BOB, CANCEL_EVENTS, COMPLETED, EVE, FAILED, created, record, running, submission } from "../samples.ts";

async function pages(engine: Engine, query: Omit<ListQuery, "cursor">): Promise<readonly RequestRecord[]> {
  const records: RequestRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await engine.requests.list({ ...query, ...(cursor !== undefined && { cursor }) });
    expect(page.records.length).toBeLessThanOrEqual(query.limit);
    records.push(...page.records);
    ({ cursor } = page);
  } while (cursor !== undefined);
  return records;
}

const ids = (records: readonly RequestRecord[]): string[] => records.map(({ requestId }) => requestId);

export function listContract(test: ContractTest): void {
  test("pages join to the whole list, newest first, with nothing twice", async ({ engine, clock }) => {
    const made: string[] = [];
    for (let n = 0; n < 23; n += 1) {
      await created(engine, `r${n}`);
      made.unshift(`r${n}`);
      // Some share their millisecond: paging must not lose any of those.
      if (n % 4 === 0) await clock.advance(1);
    }
    for (const limit of [1, 5, 23, 100]) {
      const listed = ids(await pages(engine, { ...ALICE, limit }));
      expect([...listed].sort(), `pages of ${limit}`).toEqual([...made].sort());
    }
    const listed = await pages(engine, { ...ALICE, limit: 4 });
    const times = listed.map(({ createdAt }) => createdAt);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  test("what is submitted while somebody pages neither repeats nor hides anything older", async ({ engine, clock }) => {
    for (const id of ["a", "b", "c"]) {
      await created(engine, id);
      await clock.advance(1);
    }
    const first = await engine.requests.list({ ...ALICE, limit: 2 });
    await created(engine, "d");
    const second = await engine.requests.list({ ...ALICE, limit: 2, cursor: first.cursor! });
    expect([ids(first.records), ids(second.records)]).toEqual([["c", "b"], ["a"]]);
    expect(second.cursor).toBeUndefined();
  });

  test("P10 a user sees their own requests, and nobody another's", async ({ engine }) => {
    for (const [id, owner] of Object.entries({ a1: ALICE, a2: ALICE, b1: BOB, e1: EVE })) await created(engine, id, { owner });
    const of = async (query: Omit<ListQuery, "limit">) => ids(await pages(engine, { ...query, limit: 10 })).sort();
    expect(await of(ALICE)).toEqual(["a1", "a2"]);
    expect(await of(BOB)).toEqual(["b1"]);
    expect(await of(EVE)).toEqual(["e1"]);
    expect(await of({ tenantId: "nobody", userId: "alice" })).toEqual([]);
  });

  test("P10 a cursor of another owner opens nothing of theirs", async ({ engine, clock }) => {
    for (const owner of [ALICE, EVE]) {
      for (const id of ["r1", "r2", "r3"]) {
        await created(engine, id, { owner });
        await clock.advance(1);
      }
    }
    const { cursor } = await engine.requests.list({ ...EVE, limit: 1 });
    const stolen = await engine.requests.list({ ...ALICE, limit: 10, cursor: cursor! });
    expect(stolen.records.every(({ owner }) => owner.tenantId === ALICE.tenantId)).toBe(true);
  });

  test("a list is narrowed by status and by action, across pages", async ({ engine }) => {
    for (const n of [1, 2, 3]) {
      const { lease } = await running(engine, `done${n}`);
      await engine.requests.settle(lease, COMPLETED);
      await created(engine, `waiting${n}`);
      await created(engine, `other${n}`, { action: "other" });
      await created(engine, `stopped${n}`);
      await engine.requests.requestCancel(submission(`stopped${n}`).key, CANCEL_EVENTS);
    }
    expect(ids(await pages(engine, { ...ALICE, status: "COMPLETED", limit: 2 }))).toEqual(["done3", "done2", "done1"]);
    expect(ids(await pages(engine, { ...ALICE, status: "CANCELLED", limit: 2 }))).toEqual(["stopped3", "stopped2", "stopped1"]);
    expect(ids(await pages(engine, { ...ALICE, action: "other", limit: 2 }))).toEqual(["other3", "other2", "other1"]);
    expect(ids(await pages(engine, { ...ALICE, action: "other", status: "FAILED", limit: 2 }))).toEqual([]);
  });

  test("P7 a list shows how requests ended", async ({ engine }) => {
    const done = await running(engine, "done");
    await engine.requests.settle(done.lease, COMPLETED);
    const broken = await running(engine, "broken");
    await engine.requests.settle(broken.lease, FAILED);
    const { records } = await engine.requests.list({ ...ALICE, limit: 10 });
    const shown = new Map(records.map(({ requestId, status, result, error }) => [requestId, [status, result, error?.message]]));
    expect(shown.get("broken")).toEqual(["FAILED", undefined, "it broke"]);
    expect(shown.get("done")?.[0]).toBe("COMPLETED");
  });

  test("P12 a cursor that cannot be read starts at the newest", async ({ engine }) => {
    await created(engine, "r1");
    for (const cursor of ["", "garbage!", "-1", "99999999999999999999", "'; DROP TABLE requests; --", "\u0000", "e30="]) {
      expect(ids((await engine.requests.list({ ...ALICE, limit: 10, cursor })).records), JSON.stringify(cursor)).toEqual(["r1"]);
    }
  });

  test("P12 hostile names are names", async ({ engine }) => {
    const owner = { tenantId: "a/b%2Fc'\"\\", userId: "x' OR 1=1 --\u{1f600}" };
    const { key } = submission("../..//r1?#%00", { owner });
    await created(engine, "../..//r1?#%00", { owner });
    await created(engine, "r2");
    expect(await record(engine, key)).toMatchObject({ owner, requestId: "../..//r1?#%00" });
    expect(ids(await pages(engine, { ...owner, limit: 10 }))).toEqual(["../..//r1?#%00"]);
    expect(ids(await pages(engine, { ...owner, userId: "%", limit: 10 }))).toEqual([]);
  });
}
