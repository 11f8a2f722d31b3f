/** What a store finds damaged is refused under the name of its request, and costs nobody else anything (P2, P12). */
import { expect } from "vitest";
import { defineHandler, StreamerError, type AnyHandler, type Engine } from "@streamer/core";
import type { ContractTest, Harness } from "../harness.ts";
import { submission } from "../samples.ts";
import { anything, startPipeline } from "./pipeline.ts";

const { key: KEY } = submission("r1");
const LOST = new StreamerError("DATA_LOSS", 'What is stored of request "r1" is damaged.', { requestId: "r1" });
const work = (run: AnyHandler["run"] = () => "done"): AnyHandler =>
  defineHandler({ action: "work", input: anything, estimate: 60_000, retry: { maxAttempts: 5, baseMs: 1, capMs: 1 }, run });
const request = (id: string, options: object = {}) => ({ type: "request", id, action: "work", payload: {}, options }) as const;

const withRequests = ({ engine }: Harness, requests: Partial<Engine["requests"]>): Partial<Engine> => ({
  requests: { ...engine.requests, ...requests },
});

export function damagedStoreContract(test: ContractTest): void {
  test("P2 a request whose payload is damaged fails at its first attempt, and no handler sees it", async (harness) => {
    const seen: string[] = [];
    const { claim } = harness.engine.requests;
    const instead = withRequests(harness, {
      claim: async (terms) => (await claim(terms)).map((one) => (one.requestId === "r1" ? { ...one, payload: null, damage: LOST } : one)),
    });
    const handlers = [work((_, ctx) => seen.push(ctx.request.id))];
    const { connect, until } = await startPipeline({ harness, handlers, instead });
    const client = await connect();
    await client.send(request("r1", { delay_ms: 100 }));
    await client.send(request("r2", { delay_ms: 100 }));
    await until("both ended", () => client.last("complete") !== undefined && client.last("error") !== undefined);
    expect(client.last("error")).toMatchObject({ request_id: "r1", error: { code: "DATA_LOSS", retry: { retryable: false } } });
    expect(client.last("error")!.seq).toBeGreaterThan(1);
    expect(client.last("complete")).toMatchObject({ request_id: "r2" });
    expect(seen).toEqual(["r2"]);
  });

  test("P6 a damaged event ends following its request, by name, and nothing else on the connection", async (harness) => {
    const { engine } = harness;
    const after: Engine["events"]["after"] = async (key, ...asked) => {
      if (key === KEY) throw LOST;
      return engine.events.after(key, ...asked);
    };
    const { connect, until } = await startPipeline({ harness, handlers: [work()], instead: { events: { after } } });
    const client = await connect();
    for (const id of ["r1", "r2"]) await client.send(request(id, { mode: "async" }));
    await until("both ended", () => client.received.filter(({ type }) => type === "complete").length === 2);
    const other = await connect();
    await other.send({ type: "subscribe", request_id: "r1", ref: "s1" });
    await until("refused", () => other.last("error") !== undefined);
    expect(other.last("error")).toMatchObject({ request_id: "r1", error: { code: "DATA_LOSS" } });
    expect(other.last("error")).not.toHaveProperty("seq");
    expect(await engine.subscriptions.has(other.end.connectionId, KEY)).toBe(false);
    await other.send({ type: "subscribe", request_id: "r2", ref: "s2" });
    await until("the other is told", () => other.last("complete") !== undefined);
    expect(other.end.closed).toBeUndefined();
  });

  test("P2 P3 a run whose row is damaged meanwhile gives back its slot, and is not tried for ever", async (harness) => {
    let settles = 0;
    const { settle } = harness.engine.requests;
    const instead = withRequests(harness, {
      settle: async (lease, settlement) => {
        if (lease.key !== KEY) return settle(lease, settlement);
        settles += 1;
        throw LOST;
      },
    });
    const { connect, until } = await startPipeline({ harness, handlers: [work()], instead, options: { inlineSlots: 1 } });
    const client = await connect();
    await client.send(request("r1", { mode: "async" }));
    await client.send(request("r2", { mode: "async" }));
    await until("the other ended", () => client.last("complete") !== undefined);
    expect(client.last("complete")).toMatchObject({ request_id: "r2" });
    expect(settles).toBe(1);
  });
}
