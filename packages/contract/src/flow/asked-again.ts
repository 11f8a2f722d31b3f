/** What is asked again is answered again, and takes nothing from whoever follows already. */
import { expect } from "vitest";
import { defineHandler, type AnyHandler } from "@streamer/core";
import type { ContractTest } from "../harness.ts";
import { anything, startPipeline } from "./pipeline.ts";

/** Runs until the test lets it go on, whatever its signal says. */
function patient(gate: Promise<void>): AnyHandler {
  return defineHandler({ action: "patient", input: anything, estimate: 60_000, run: async () => gate });
}

export function askedAgainContract(test: ContractTest): void {
  test("P8 a second wish to cancel is answered too, on a connection that does not follow the request", async (harness) => {
    const gate = Promise.withResolvers<void>();
    const { connect, until, quiet } = await startPipeline({ harness, handlers: [patient(gate.promise)] });
    const [one, two] = [await connect(), await connect()];
    await one.send({ type: "request", id: "r1", action: "patient", payload: {} });
    await quiet();
    await one.send({ type: "cancel", request_id: "r1", ref: "c1" });
    await until("the first receipt", () => one.last("cancellation") !== undefined);
    await two.send({ type: "cancel", request_id: "r1", ref: "c2" });
    await until("the second answer", () => two.last("cancellation") !== undefined);
    expect(two.last("cancellation")).toMatchObject({ request_id: "r1", stage: "requested", ref: "c2" });
    expect(two.last("cancellation")).not.toHaveProperty("seq");
    gate.resolve();
  });

  test("P6 who asks for the same again, and cannot be told all of it, loses nothing of what it follows unnoticed", async (harness) => {
    const gate = Promise.withResolvers<void>();
    let isRefused = false;
    const { connect, until, quiet } = await startPipeline({
      harness,
      handlers: [patient(gate.promise)],
      decide: ({ verb }) => (isRefused && verb === "events.after" ? "refuse" : "none"),
    });
    const client = await connect();
    const ask = (id: string): Promise<void> =>
      client.send({ type: "request", id, action: "patient", payload: {}, options: { idempotency_key: "k" } });
    await ask("r1");
    await quiet();
    isRefused = true;
    // The refusal is about another id: nothing would say that r1 is not followed any more.
    await ask("r2");
    isRefused = false;
    gate.resolve();
    await until("the end, or a closed connection", () => client.last("complete") !== undefined || client.end.closed !== undefined);
    expect(client.last("complete") ?? client.end.closed).toBeDefined();
  });
}
