/** What a request may ask for beside its action, and how its frame may be written. */
import { describe, expect, it } from "vitest";
import type { ServerMessage } from "@streamer/protocol";
import { isError, request, type WireStage } from "./stage.ts";

const HOUR_MS = 3_600_000;

export function wireOptionsContract({ connect, id }: WireStage): void {
  const isAbout = (requestId: string, type: ServerMessage["type"]) => (message: ServerMessage) =>
    message.type === type && "request_id" in message && message.request_id === requestId;

  describe("options", () => {
    it("§3.3 unknown fields are passed over, of a name that occurs twice the last counts, and null is a value", async () => {
      const client = await connect();
      const [good, bad] = [id(), id()];
      client.send(
        `{"action":"contract.echo","id":"${good}","colour":"red","options":{"speed":9},"payload":1,"payload":[null]}`,
        `{"action":"contract.echo","id":"${bad}","options":null}`,
      );
      expect(await client.message("response", isAbout(good, "response"))).toMatchObject({ data: [null] });
      expect(await client.message("refusal", isError)).toMatchObject({ request_id: bad, error: { code: "INVALID_MESSAGE" } });
    });

    it("§4.1.1 a mode of async makes a short request durable, one of sync answers a long one directly", async () => {
      const client = await connect();
      const [queued, direct] = [id(), id()];
      client.send(request(queued, "echo", 1, { mode: "async" }), request(direct, "flaky", {}, { mode: "sync", max_attempts: 1 }));
      expect(await client.end(queued)).toMatchObject({ type: "complete", result: 1 });
      const response = await client.message("response", isAbout(direct, "response"));
      expect(response).toMatchObject({ success: false, error: { code: "PROCESSING_FAILED" } });
    });

    it("§5.3 P9 what is answered at once is tried again as its handler promised: then it is durable", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "flaky", {}, { mode: "sync" }));
      expect(await client.end(requestId)).toMatchObject({ type: "complete", result: { attempt: 3 } });
    });

    it("§4.1.1 P9 max_attempts is how often it runs", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "flaky", {}, { max_attempts: 1 }));
      expect(await client.end(requestId)).toMatchObject({ error: { code: "PROCESSING_FAILED", message: "attempt 1 failed" } });
    });

    it("§4.1.1 timeout_ms is how long one attempt may run", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "wait", {}, { timeout_ms: 200, max_attempts: 1 }));
      expect(await client.end(requestId)).toMatchObject({ error: { code: "TIMEOUT" } });
    });

    it("§4.1.1 more than a handler promises is refused, each option with its limit", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "flaky", {}, { timeout_ms: 604_800_000, max_attempts: 100, priority: 0 }));
      const { error } = await client.message<ServerMessage<"error">>(
        "refusal",
        (message) => isError(message) && message.request_id === requestId,
      );
      expect(error).toMatchObject({
        code: "VALIDATION_ERROR",
        details: {
          issues: [{ path: ["options", "timeout_ms"] }, { path: ["options", "max_attempts"], message: "100 is over the limit of 5" }],
        },
      });
    });

    it("§4.1.1 §5.12 §8.1 what is put off says so, and when it will start", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "echo", {}, { delay_ms: HOUR_MS }));
      const acknowledged = await client.message<ServerMessage<"acknowledgment">>("receipt", isAbout(requestId, "acknowledgment"));
      expect(acknowledged).toMatchObject({ status: "queued", waiting_for: "scheduled" });
      client.send({ type: "get", request_id: requestId, ref: "g" });
      const snapshot = (await client.answer("g")) as ServerMessage<"snapshot">;
      expect(snapshot).toMatchObject({ status: "PENDING", attempt: 0 });
      expect(Math.abs(snapshot.run_at! - snapshot.created_at - HOUR_MS)).toBeLessThan(1_000);
      expect(Math.abs(acknowledged.until! - snapshot.run_at!)).toBeLessThan(2);
      client.send({ type: "cancel", request_id: requestId });
      await client.end(requestId);
    });

    it("§4.1.1 §6.7 without subscribe only the receipt comes; once it has ended, subscribing replays its life", async () => {
      const [quiet, other] = [await connect(), await connect()];
      const requestId = id();
      quiet.send(request(requestId, "story", {}, { subscribe: false }));
      await quiet.message("receipt", isAbout(requestId, "acknowledgment"));
      other.send({ type: "subscribe", request_id: requestId });
      const end = await other.end(requestId);
      quiet.send({ type: "ping", ref: "p" });
      await quiet.answer("p");
      expect(quiet.story(requestId).map(({ type }) => type)).toEqual(["acknowledgment"]);
      quiet.send({ type: "subscribe", request_id: requestId, ref: "s" });
      expect(await quiet.end(requestId)).toEqual(end);
      expect(await quiet.answer("s")).toMatchObject({ status: "COMPLETED", seq: end.seq, recovered: true });
    });
  });
}
