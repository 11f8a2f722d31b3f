/** What is asked again is answered again, and takes nothing from whoever follows already. */
import { expect } from "vitest";
import { Fatal, StreamerError, defineHandler, type AnyHandler } from "@streamer/core";
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

  for (const fate of ["is taken", "is refused"] as const) {
    test(`P4 what is being queued is not run at once as well, and who asks again meanwhile is told when it ${fate}`, async (harness) => {
      const gate = Promise.withResolvers<void>();
      const written = Promise.withResolvers<void>();
      const runs: string[] = [];
      const short = defineHandler({
        action: "short",
        input: anything,
        estimate: 1,
        run: async (_, { request }) => {
          runs.push(request.id);
          if (request.id === "holds the slot") await gate.promise;
          return "done";
        },
      });
      const { connect, until, quiet, engine } = await startPipeline({ harness, handlers: [short], options: { inlineSlots: 1 } });
      const { submit } = engine.requests;
      Object.assign(engine.requests, {
        submit: async (...terms: Parameters<typeof submit>) => {
          await written.promise;
          if (fate === "is refused") throw new StreamerError("STORAGE_ERROR", "The store is full.");
          return submit(...terms);
        },
      });
      const [one, two] = [await connect(), await connect()];
      const request = { type: "request", id: "r1", action: "short", payload: {} } as const;
      void one.send({ ...request, id: "holds the slot" });
      await quiet();
      void one.send(request);
      await quiet();
      gate.resolve();
      await quiet();
      void two.send(request);
      await quiet();
      expect(runs).toEqual(["holds the slot"]);
      written.resolve();
      const isTold = fate === "is taken" ? "complete" : "error";
      await until("both are told", () => [one, two].every((client) => client.last(isTold)?.request_id === "r1"));
      expect(runs).toEqual(fate === "is taken" ? ["holds the slot", "r1"] : ["holds the slot"]);
    });
  }

  for (const meanwhile of ["subscribes", "subscribes and ends that again", "retries what cannot be retried"] as const) {
    test(`P5 P8 who ${meanwhile} while its cancellation is under way has the receipt once`, async (harness) => {
      const gate = Promise.withResolvers<void>();
      const asked = Promise.withResolvers<void>();
      const { connect, until, quiet, engine } = await startPipeline({ harness, handlers: [patient(gate.promise)] });
      const { requestCancel } = engine.requests;
      const [one, two] = [await connect(), await connect()];
      Object.assign(engine.requests, {
        requestCancel: async (...terms: Parameters<typeof requestCancel>) => {
          await asked.promise;
          return requestCancel(...terms);
        },
      });
      await one.send({ type: "request", id: "r1", action: "patient", payload: {} });
      await quiet();
      const cancelled = two.send({ type: "cancel", request_id: "r1" });
      if (meanwhile === "retries what cannot be retried") await two.send({ type: "retry", request_id: "r1" });
      else await two.send({ type: "subscribe", request_id: "r1", after: 0 });
      if (meanwhile === "subscribes and ends that again") await two.send({ type: "unsubscribe", request_id: "r1" });
      asked.resolve();
      await cancelled;
      await until("the receipt", () => two.last("cancellation") !== undefined);
      await quiet();
      const heard = two.story("r1").filter((message) => message.type === "cancellation" && message.stage === "requested");
      expect(heard).toHaveLength(1);
      gate.resolve();
    });
  }

  test("P8 a run that ends while its cancellation is under way is cancelled too late, and everyone is told so", async (harness) => {
    const gate = Promise.withResolvers<void>();
    const { connect, until, quiet, engine } = await startPipeline({ harness, handlers: [patient(gate.promise)] });
    const { requestCancel } = engine.requests;
    Object.assign(engine.requests, {
      requestCancel: async (...terms: Parameters<typeof requestCancel>) => {
        const outcome = await requestCancel(...terms);
        gate.resolve();
        await until("it has ended", async () => {
          const lookup = await engine.requests.get(terms[0]);
          return lookup.outcome === "found" && lookup.record.status === "COMPLETED";
        });
        return outcome;
      },
    });
    const client = await connect();
    await client.send({ type: "request", id: "r1", action: "patient", payload: {} });
    await quiet();
    void client.send({ type: "cancel", request_id: "r1" });
    await until("the end", () => client.last("complete") !== undefined);
    await quiet();
    const stages = client.story("r1").flatMap((message) => (message.type === "cancellation" ? [message.stage] : []));
    // A run may have been told by its next write, and have ended nevertheless.
    expect(stages.filter((stage) => stage !== "observed")).toEqual(["requested", "too_late"]);
  });

  test("P8 told to stop before it was durable, and promoted before it has stopped, a run has all its receipts", async (harness) => {
    const gate = Promise.withResolvers<void>();
    let isRunning = false;
    const stubborn = defineHandler({
      action: "stubborn",
      input: anything,
      estimate: 1,
      run: async (_, ctx) => {
        isRunning = true;
        await gate.promise;
        await ctx.partial("rows", 1);
        ctx.signal.throwIfAborted();
      },
    });
    const { connect, until } = await startPipeline({ harness, handlers: [stubborn] });
    const client = await connect();
    void client.send({ type: "request", id: "r1", action: "stubborn", payload: {} });
    await until("it runs", () => isRunning);
    await client.send({ type: "cancel", request_id: "r1", ref: "c" });
    expect(client.last("cancellation")).toMatchObject({ stage: "requested", ref: "c" });
    gate.resolve();
    await until("the end", () => client.last("error") !== undefined);
    const stages = client.story("r1").flatMap((message) => (message.type === "cancellation" ? [message.stage] : []));
    expect(stages).toEqual(["requested", "observed", "stopped"]);
  });

  test("P8 a cancel waits for the request it was sent behind, whatever becomes of the same one from elsewhere", async (harness) => {
    const gate = Promise.withResolvers<void>();
    const late = Promise.withResolvers<void>();
    const { connect, until, engine, quiet } = await startPipeline({ harness, handlers: [patient(gate.promise)] });
    const { submit } = engine.requests;
    let asked = 0;
    Object.assign(engine.requests, {
      submit: async (...terms: Parameters<typeof submit>) => {
        asked += 1;
        if (asked > 1) throw new StreamerError("STORAGE_ERROR", "The store was down when the second of them came by.");
        await late.promise;
        return submit(...terms);
      },
    });
    const [one, two] = [await connect(), await connect()];
    const request = { type: "request", id: "r1", action: "patient", payload: {}, options: { mode: "async" } } as const;
    void one.send(request);
    await quiet();
    await two.send(request);
    expect(two.last("error")).toMatchObject({ error: { code: "STORAGE_ERROR" } });
    void one.send({ type: "cancel", request_id: "r1", ref: "c" });
    await quiet();
    late.resolve();
    await until("the receipt", () => one.last("cancellation") !== undefined);
    expect(one.received.filter(({ type }) => type === "error")).toEqual([]);
    gate.resolve();
  });

  test("P6 of two askings for one request on one connection, the one that is refused takes nothing from the other", async (harness) => {
    const gate = Promise.withResolvers<void>();
    const late = Promise.withResolvers<void>();
    const { connect, until, engine, quiet } = await startPipeline({ harness, handlers: [patient(gate.promise)] });
    const { submit } = engine.requests;
    let asked = 0;
    Object.assign(engine.requests, {
      submit: async (...terms: Parameters<typeof submit>) => {
        asked += 1;
        if (asked > 1) return submit(...terms);
        await late.promise;
        throw new StreamerError("STORAGE_ERROR", "The store was down when the first of them came by.");
      },
    });
    const client = await connect();
    const request = { type: "request", id: "r1", action: "patient", payload: {} } as const;
    void client.send(request);
    await quiet();
    void client.send(request);
    await quiet();
    late.resolve();
    await until("the first is refused", () => client.last("error") !== undefined);
    gate.resolve();
    await until("the end of the second", () => client.last("complete") !== undefined);
    const seqs = client.story("r1").map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, at) => at + 1));
  });

  for (const [outcome, code] of [
    ["expired", "EXPIRED"],
    ["unknown", "NOT_FOUND"],
  ] as const) {
    test(`P8 a request that is ${outcome} once it is to be retried by hand is answered with ${code}`, async (harness) => {
      const broken = defineHandler({
        action: "broken",
        input: anything,
        estimate: 60_000,
        run: () => {
          throw new Fatal("for good");
        },
      });
      const { connect, until, engine } = await startPipeline({ harness, handlers: [broken] });
      Object.assign(engine.requests, { redrive: async () => ({ outcome }) });
      const client = await connect();
      await client.send({ type: "request", id: "r1", action: "broken", payload: {} });
      await until("it has failed", () => client.last("error") !== undefined);
      await client.send({ type: "retry", request_id: "r1", ref: "again" });
      expect(client.last("error")).toMatchObject({ ref: "again", request_id: "r1", error: { code } });
      expect(await harness.engine.subscriptions.countOf(client.end.connectionId)).toBe(0);
    });
  }

  test("P6 P9 who retries a request by hand is told its end, however soon that comes", async (harness) => {
    const broken = defineHandler({
      action: "broken",
      input: anything,
      estimate: 60_000,
      run: () => {
        throw new Fatal("for good");
      },
    });
    const { connect, until, engine } = await startPipeline({ harness, handlers: [broken] });
    const { redrive } = engine.requests;
    Object.assign(engine.requests, {
      redrive: async (...terms: Parameters<typeof redrive>) => {
        const outcome = await redrive(...terms);
        // The run is quicker than the answer to who asked for it.
        await until("it has failed again", async () => {
          const lookup = await engine.requests.get(terms[0]);
          return lookup.outcome === "found" && lookup.record.status === "FAILED";
        });
        return outcome;
      },
    });
    const [one, two] = [await connect(), await connect()];
    await one.send({ type: "request", id: "r1", action: "broken", payload: {} });
    await until("it has failed", () => one.last("error") !== undefined);
    const { seq } = one.last("error")!;
    await two.send({ type: "retry", request_id: "r1" });
    await until("its end is told", () => two.last("error") !== undefined);
    expect(two.story("r1").map(({ type }) => type)[0]).toBe("acknowledgment");
    expect(two.story("r1").every((event) => event.seq > seq!)).toBe(true);
    expect(await harness.engine.subscriptions.countOf(two.end.connectionId)).toBe(0);
  });

  for (const how of ["subscribes", "asks for it by its idempotency key"] as const) {
    test(`P6 who ${how}, and cannot be told what comes after the snapshot, is cut off and resumes`, async (harness) => {
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
      // A refusal would come after the answer, or name another id: no client could know by it what it does not follow any more.
      await (how === "subscribes" ? client.send({ type: "subscribe", request_id: "r1", ref: "s" }) : ask("r2"));
      await until("it is closed", () => client.end.closed !== undefined);
      isRefused = false;
      gate.resolve();
      const next = await connect();
      await next.send({ type: "subscribe", request_id: "r1" });
      await until("the end", () => next.last("complete") !== undefined);
      expect(next.story("r1").map(({ seq }) => seq)[0]).toBe(1);
    });
  }
}
