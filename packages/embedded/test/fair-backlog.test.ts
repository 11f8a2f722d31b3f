/** Fair shares as the backlog keeps them: over several actions, lanes and limits, at any size. */
import { MAX_PASSED } from "@streamer/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBacklog, type Backlog } from "../src/requests/backlog.ts";

type Request = Parameters<Backlog["add"]>[0];
const NOW = 1e12;
const lane = (...actions: string[]) => ({ lanes: [{ actions, free: 1 }], concurrency: {} });

/** A backlog that remembers what was asked of it, and ends what it takes at once unless told otherwise. */
function createLine(terms: Parameters<Backlog["take"]>[0] = lane("work")) {
  const backlog = createBacklog();
  const asked = new Map<number, Request>();
  const add = (more: Partial<Request> = {}, times = 1): void => {
    for (let n = 0; n < times; n += 1) {
      const id = asked.size + 1;
      const request = { id, action: "work", tenant: "A", user: "a", priority: 5, runAt: id, ...more };
      asked.set(id, request);
      backlog.add(request);
    }
  };
  const take = (more: Partial<typeof terms> = {}): readonly Request[] =>
    backlog.take({ ...terms, ...more }, NOW).map((id) => asked.get(id)!);
  const serve = (times: number, more: Partial<typeof terms> = {}): readonly Request[] => {
    const served: Request[] = [];
    for (let n = 0; n < times; n += 1) {
      for (const request of take(more)) {
        served.push(request);
        backlog.drop(request.id);
      }
    }
    return served;
  };
  return { backlog, add, take, serve };
}
const of = (served: readonly Request[], tenant: string): number => served.filter((request) => request.tenant === tenant).length;
const some = fc.record({
  tenant: fc.constantFrom("A", "B", "C"),
  user: fc.constantFrom("a", "b"),
  action: fc.constantFrom("work", "other"),
  priority: fc.constantFrom(0, 5, 9),
});

describe("turns", () => {
  it("F1 whatever comes and goes, a slot gets something while anything waits, and everything once", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(some, fc.constant("take" as const)), { maxLength: 120 }), (steps) => {
        const { backlog, add, serve } = createLine(lane("work", "other"));
        let waiting = 0;
        for (const step of steps) {
          if (step !== "take") add(step);
          const served = step === "take" ? serve(1).length : -1;
          waiting -= served;
          expect(served === 0 ? backlog.waiting : 0).toBe(0);
          expect(backlog.waiting).toBe(waiting);
        }
        expect(serve(waiting + 1)).toHaveLength(waiting);
      }),
    );
  });

  it("F2 two tenants that always wait get the same, whatever else comes and however many actions they use", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(some, fc.constant("take" as const)), { minLength: 50, maxLength: 200 }), (steps) => {
        const { add, serve } = createLine(lane("work", "other"));
        add({ tenant: "P" }, 200);
        for (const action of ["work", "other"]) for (const user of ["x", "y"]) add({ tenant: "Q", action, user, priority: 9 }, 60);
        const served: Request[] = [];
        for (const step of steps) {
          if (step === "take") served.push(...serve(1));
          else add(step);
          expect(Math.abs(of(served, "P") - of(served, "Q"))).toBeLessThanOrEqual(2);
        }
      }),
    );
  });

  it("F4 priority orders a user's requests over all they ask for, and moves nobody else", () => {
    const { add, serve } = createLine(lane("work", "other"));
    add({ priority: 0 }, 2);
    add({ priority: 9, action: "other" }, 2);
    add({ tenant: "B", priority: 4 }, 4);
    expect(serve(8).map(({ tenant, priority }) => `${tenant}${priority}`)).toEqual(["A9", "B4", "A9", "B4", "A0", "B4", "A0", "B4"]);
  });

  it("F3 a newcomer waits for one request of each tenant at most, whenever it comes", () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 60 }), fc.nat(30), (others, before) => {
        const { add, serve } = createLine(lane("work", "other"));
        for (const other of others) add(other);
        serve(before);
        add({ tenant: "N", priority: 0 });
        expect(serve(4).map(({ tenant }) => tenant)).toContain("N");
      }),
    );
  });

  it("F5 one user's oldest is passed over no more than so often in a row, whatever comes", () => {
    const { add, serve } = createLine();
    add({ priority: 0 });
    let passed = 0;
    for (; passed < 100; passed += 1) {
      add({ priority: 9 }, 2);
      if (serve(1)[0]!.priority === 0) break;
    }
    expect(passed).toBe(MAX_PASSED);
    add({ priority: 7 });
    expect(serve(1)[0]!.priority).toBe(9);
  });

  it("asking again as soon as one is served gains nothing over waiting", () => {
    const { add, serve } = createLine();
    add({ tenant: "B" }, 30);
    const served: Request[] = [];
    for (let n = 0; n < 20; n += 1) {
      if (of(served, "A") === served.filter(({ tenant }) => tenant === "A").length) add({ tenant: "A" });
      served.push(...serve(1));
    }
    expect(of(served, "A")).toBeLessThanOrEqual(11);
  });

  it("a tenant busy with one action keeps its turn in another that a limit holds up", () => {
    const { backlog, add, take, serve } = createLine();
    const limited = { ...lane("fast", "slow"), concurrency: { slow: { total: 1 } } };
    add({ tenant: "A", action: "slow" }, 10);
    add({ tenant: "C", action: "slow" }, 10);
    const slow: string[] = [];
    for (let n = 0; n < 8; n += 1) {
      add({ tenant: "A", action: "fast" }, 40);
      let running: Request | undefined;
      for (let looks = 0; !running && looks < 5; looks += 1) {
        const [taken] = take(limited);
        if (taken!.action === "slow") running = taken;
        else backlog.drop(taken!.id);
      }
      slow.push(running!.tenant);
      serve(20, limited);
      backlog.drop(running!.id);
    }
    expect(slow.filter((tenant) => tenant === "A")).toHaveLength(4);
  });

  it("what one lane is used for costs nothing in another", () => {
    const { add, serve } = createLine();
    add({ tenant: "A", action: "fast" }, 50);
    serve(50, lane("fast"));
    add({ tenant: "A", action: "slow" }, 5);
    add({ tenant: "B", action: "slow" }, 5);
    expect(of(serve(4, lane("slow")), "A")).toBe(2);
  });
});

describe("the order told is the order gone", () => {
  it("of all that waits, if nothing else comes", () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 80 }), fc.nat(20), (requests, before) => {
        const { backlog, add, serve } = createLine(lane("work", "other"));
        for (const request of requests) add(request);
        serve(before);
        const told = backlog.inOrder([...backlog.due(NOW)]).map(({ id }) => id);
        expect(serve(told.length).map(({ id }) => id)).toEqual(told);
      }),
    );
  });

  it("a new request's position is exact for one tenant with one user, and within one of each other share otherwise", () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 60 }), some, fc.boolean(), (requests, next, alone) => {
        const { backlog, add, serve } = createLine(lane("work", "other"));
        serve(1);
        for (const request of requests) add({ ...request, ...(alone && { tenant: "A", user: "a", priority: 5 }) });
        const asked = { ...next, ...(alone && { tenant: "A", user: "a", priority: 5 }) };
        const { position } = backlog.place(asked, undefined, NOW);
        add({ ...asked, told: { reason: "queue", at: 0 } });
        const place = serve(requests.length + 1).findIndex(({ told }) => told !== undefined);
        expect(Math.abs(position! - place)).toBeLessThanOrEqual(alone ? 0 : 5 + MAX_PASSED);
      }),
    );
  });
});

it("20,000 tenants cost a claim no more than one, at their limits or not", () => {
  const { backlog, add, take, serve } = createLine();
  for (let n = 0; n < 20_000; n += 1) add({ tenant: `t${n}` }, 2);
  const limited = { concurrency: { work: { perTenant: 1 } } };
  take({ lanes: [{ actions: ["work"], free: 19_000 }], ...limited });
  serve(1, limited);
  const start = performance.now();
  expect(serve(500, limited)).toHaveLength(500);
  for (let n = 0; n < 500; n += 1) backlog.place({ action: "work", tenant: `t${n}`, user: "a", priority: 5 }, undefined, NOW);
  // A look at every line took 8 ms a claim.
  expect(performance.now() - start).toBeLessThan(1_500);
});
