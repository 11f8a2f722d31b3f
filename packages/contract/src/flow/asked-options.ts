/** A client may ask for less than a handler and the server promise, never for more; and what middleware says counts. */
import { defineHandler, Fatal, RetryAfter, type AnyHandler } from "@streamer/core";
import type { RequestOptions } from "@streamer/protocol";
import { expect } from "vitest";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline, type FlowClient } from "./pipeline.ts";

export function askedOptionsContract(test: ContractTest): void {
  const runs: string[] = [];
  const work = (more: Partial<AnyHandler>): AnyHandler =>
    defineHandler({
      action: "work",
      input: anything,
      estimate: 60_000,
      ...more,
      run: (_, ctx) => {
        runs.push(ctx.request.id);
        if (ctx.request.attempt < 3) throw new Error(`attempt ${ctx.request.attempt}`);
        return ctx.request.attempt;
      },
    });
  const start = async (harness: Harness, more: Partial<AnyHandler> = {}, options = {}) => {
    runs.length = 0;
    const pipeline = await startPipeline({
      harness,
      handlers: [work({ retry: { maxAttempts: 4, baseMs: 1, capMs: 1 }, ...more })],
      options,
    });
    return { ...pipeline, client: await pipeline.connect() };
  };
  const ask = (client: FlowClient, id: string, options: RequestOptions) =>
    client.send({ type: "request", id, action: "work", payload: {}, options });
  const refusedOptions = (client: FlowClient): unknown => {
    const { error } = client.last("error")!;
    const { issues } = error.details as { readonly issues: readonly { readonly path: readonly unknown[] }[] };
    return { code: error.code, options: issues.map(({ path }) => path[1]) };
  };

  for (const mode of ["auto", "async", "sync"] as const) {
    test(`§4.1.1 more than a handler promises is refused before anything runs: ${mode}`, async (harness) => {
      const { client, quiet } = await start(harness, { timeoutMs: 5_000, maxPriority: 6 });
      await ask(client, "all", { mode, timeout_ms: 7 * 86_400_000, max_attempts: 100, priority: 9 });
      expect(client.last("error")).toMatchObject({ request_id: "all" });
      expect(refusedOptions(client)).toEqual({ code: "VALIDATION_ERROR", options: ["timeout_ms", "max_attempts", "priority"] });
      for (const [name, options] of Object.entries({
        timeout_ms: { timeout_ms: 5_001 },
        max_attempts: { max_attempts: 5 },
        priority: { priority: 7 },
      })) {
        await ask(client, name, { mode, ...options });
        expect(refusedOptions(client)).toEqual({ code: "VALIDATION_ERROR", options: [name] });
      }
      await quiet();
      expect(runs).toEqual([]);
      await client.send({ type: "get", request_id: "all", ref: "g" });
      expect(client.last("error")).toMatchObject({ ref: "g", error: { code: "NOT_FOUND" } });
    });
  }

  test("§4.1.1 what a handler does not say, the server's limits do", async (harness) => {
    const { client } = await start(harness, {}, { timeoutMs: 60_000, admission: { maxPriority: 5 } });
    await ask(client, "a", { timeout_ms: 60_001, priority: 6 });
    expect(refusedOptions(client)).toEqual({ code: "VALIDATION_ERROR", options: ["timeout_ms", "priority"] });
    await client.send({ type: "actions" });
    expect(client.last("actions")!.items).toMatchObject([{ timeout_ms: 60_000, max_attempts: 4, max_priority: 5 }]);
  });

  test("§4.1.1 as much as is promised, and less, is given", async (harness) => {
    const { client, until } = await start(harness, { timeoutMs: 5_000, maxPriority: 6 });
    await ask(client, "same", { timeout_ms: 5_000, max_attempts: 4, priority: 6 });
    await until("done", () => client.last("complete")?.request_id === "same");
    expect(client.last("complete")).toMatchObject({ result: 3, metadata: { attempts: 3 } });
    await ask(client, "less", { timeout_ms: 1_000, max_attempts: 2, priority: 0 });
    await until("failed", () => client.last("error")?.request_id === "less");
    expect(client.last("error")!.error.message).toBe("attempt 2");
    expect(runs.filter((id) => id === "less")).toHaveLength(2);
  });

  test("P12 what a middleware throws refuses a request as what it is, and nothing runs", async (harness) => {
    const thrown: Readonly<Record<string, readonly [unknown, object]>> = {
      fatal: [new Fatal("not today", { code: "FORBIDDEN" }), { code: "FORBIDDEN", message: "not today" }],
      later: [new RetryAfter(12.5, "busy"), { code: "RATE_LIMITED", message: "busy", retry: { retryable: true, after_ms: 13 } }],
      odd: [Object.create(null), { code: "INTERNAL_ERROR" }],
      symbol: [Symbol("s"), { code: "INTERNAL_ERROR" }],
    };
    runs.length = 0;
    const gate = {
      name: "gate",
      admit: ({ requestId }: { readonly requestId: string }) => {
        throw thrown[requestId]![0];
      },
    };
    const { connect, quiet } = await startPipeline({ harness, handlers: [work({})], middleware: [gate] });
    const client = await connect();
    for (const [id, [, error]] of Object.entries(thrown)) {
      await ask(client, id, {});
      expect(client.last("error")).toMatchObject({ request_id: id, error });
    }
    await quiet();
    expect(runs).toEqual([]);
  });
}
