/** Values whose JSON would be more than there is memory: refused as their handler's own failure, and nobody else's. */
import { defineHandler, type HandlerContext } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";
import { anything, startPipeline } from "./pipeline.ts";

const bytes = (): unknown => ({ file: new Uint8Array(1 << 29) });
/** One list in a thousand places: small in memory, endless in print. */
const shared = (): unknown => {
  let value: unknown = "x".repeat(100);
  for (let level = 0; level < 60; level += 1) value = [value, value];
  return value;
};

const HANDS_OVER: Readonly<Record<string, (ctx: HandlerContext) => unknown>> = {
  result_bytes: bytes,
  result_shared: shared,
  partial_bytes: (ctx) => ctx.partial("files", bytes() as never),
  checkpoint_shared: (ctx) => ctx.checkpoint(shared() as never),
};
/** What counting takes, and a great deal less than printing. */
const PATIENCE_MS = 5_000;

export function largeValuesContract(test: ContractTest): void {
  for (const mode of ["async", "sync"] as const) {
    test(`P12 a value with more JSON than there is memory fails its run by name: ${mode}`, async (harness) => {
      const handlers = Object.entries(HANDS_OVER).map(([action, handOver]) =>
        defineHandler({ action, input: anything, estimate: 60_000, retry: { maxAttempts: 1 }, run: async (_, ctx) => handOver(ctx) }),
      );
      const { connect, until } = await startPipeline({ harness, handlers });
      const client = await connect();
      const startedAt = performance.now();
      for (const action of Object.keys(HANDS_OVER)) {
        await client.send({ type: "request", id: action, action, payload: {}, options: { mode } });
        const end = () =>
          client.received.find((message) => (message.type === "error" || message.type === "response") && message.request_id === action);
        await until(`${action} has ended`, () => end() !== undefined);
        const { error } = end() as { error?: { code: string; message: string } };
        expect([action, error]).toMatchObject([action, { code: "PROCESSING_FAILED", message: expect.stringMatching(/over the limit of/) }]);
      }
      expect(performance.now() - startedAt).toBeLessThan(PATIENCE_MS);
    });
  }
}
