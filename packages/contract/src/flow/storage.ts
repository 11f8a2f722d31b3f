/** What finds no room is refused by name, before it costs anything (P14). */
import { defineHandler, type AnyHandler, type HandlerContext } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";
import { BOB, DAY_MS } from "../samples.ts";
import { anything, startPipeline } from "./pipeline.ts";

const TEXT = "x".repeat(10_000);
const handler = (run: (input: unknown, ctx: HandlerContext) => unknown): AnyHandler =>
  defineHandler({ action: "work", input: anything, estimate: 60_000, retry: { maxAttempts: 1 }, run });

export function storageFlowContract(test: ContractTest): void {
  test("P14 a request that finds no room is told which quota that is, how much is stored, and when room comes", async (harness) => {
    const { connect, until } = await startPipeline({
      harness,
      handlers: [handler((input) => input)],
      options: { retentionMs: DAY_MS, admission: { storedBytesPerUser: 30_000 } },
    });
    const [client, colleague] = [await connect(), await connect(BOB)];
    const ask = (id: string) => ({ type: "request", id, action: "work", payload: TEXT }) as const;
    await client.send(ask("r1"));
    await until("done", () => client.last("complete") !== undefined);
    await client.send(ask("r2"));
    expect(client.last("error")).toMatchObject({
      request_id: "r2",
      error: {
        code: "RATE_LIMITED",
        details: { quota: "storedBytesPerUser", stored_bytes: expect.any(Number), limit_bytes: 30_000 },
        retry: { retryable: true, after_ms: expect.any(Number) },
      },
    });
    const { after_ms: afterMs } = client.last("error")!.error.retry!;
    expect(afterMs).toBeGreaterThan(DAY_MS - 200_000);
    expect(afterMs).toBeLessThanOrEqual(DAY_MS);
    await colleague.send(ask("r2"));
    await until("done", () => colleague.last("complete") !== undefined);
  });

  test("P14 P2 a run begins where nobody can say how much is stored", async (harness) => {
    const { connect, until } = await startPipeline({
      harness,
      handlers: [handler(() => "done")],
      options: { inlineSlots: 1 },
      decide: ({ verb }) => (verb === "requests.full" ? "refuse" : "none"),
    });
    const client = await connect();
    for (const id of ["r1", "r2"]) await client.send({ type: "request", id, action: "work", payload: {}, options: { mode: "async" } });
    await until("both are done", () => client.received.filter(({ type }) => type === "complete").length === 2);
  });

  test("P14 a run that finds no room does not begin, and one that stores a file is refused it", async (harness) => {
    const refused: unknown[] = [];
    let runs = 0;
    const { connect, until, quiet } = await startPipeline({
      harness,
      handlers: [
        handler(async (_, ctx) => {
          runs += 1;
          await ctx.partial("rows", TEXT);
          await ctx.partial("rows", TEXT);
          await ctx.blobs.put("a.txt", TEXT).catch((error: unknown) => refused.push(error));
        }),
      ],
      options: { inlineSlots: 1, admission: { storedBytesPerUser: 20_000 } },
    });
    const client = await connect();
    for (const id of ["r1", "r2"]) await client.send({ type: "request", id, action: "work", payload: {}, options: { mode: "async" } });
    await until("both have ended", () => client.last("complete") !== undefined && client.last("error") !== undefined);
    await quiet();
    expect(client.last("complete")).toMatchObject({ request_id: "r1" });
    expect(client.last("error")).toMatchObject({
      request_id: "r2",
      error: { code: "RATE_LIMITED", details: { quota: "storedBytesPerUser" } },
    });
    expect(runs).toBe(1);
    expect(refused).toMatchObject([{ code: "RATE_LIMITED" }]);
  });
}
