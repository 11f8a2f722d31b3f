/** The life of requests on a real socket: answers, events, repeats, resuming, cancelling, isolation. */
import { describe, expect, it } from "vitest";
import type { ServerMessage } from "@streamer/protocol";
import { PARTS, STRICT_INPUT } from "./handlers.ts";
import type { WireClient } from "./client.ts";
import { isError, request, type WireStage } from "./stage.ts";

const seqs = (client: WireClient, requestId: string): number[] => client.story(requestId).map(({ seq }) => seq);
const durable = (client: WireClient, requestId: string) => client.story(requestId).filter(({ type }) => type !== "progress");
const rising = (values: readonly number[]): number[] => [...new Set(values)].toSorted((a, b) => a - b);
const about = (requestId: string, type: ServerMessage["type"]) => (message: ServerMessage) =>
  message.type === type && "request_id" in message && message.request_id === requestId;

export function wireLifeContract({ connect, id, transport }: WireStage): void {
  describe("the life of a request", () => {
    it("§5.3 a short request is answered at once, without a seq", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "echo", { text: "h\u00e9llo \ud83d\ude00" }));
      const response = await client.message("response", about(requestId, "response"));
      expect(response).toMatchObject({ success: true, data: { text: "h\u00e9llo \ud83d\ude00" } });
      expect(response).not.toHaveProperty("seq");
    });

    it("§3.2 a request without a type, named by request_id or not at all, is understood", async () => {
      const client = await connect();
      const requestId = id();
      client.send(
        JSON.stringify({ action: "contract.echo", request_id: requestId, payload: [1] }),
        '{"action":"contract.echo","payload":2}',
      );
      expect(await client.message("response", about(requestId, "response"))).toMatchObject({ data: [1] });
      expect(await client.message("response without an id", (message) => message.type === "response" && message.data === 2)).toMatchObject({
        request_id: expect.stringMatching(/.{8}/),
      });
    });

    it("§5.4 §5.6 §5.7 §5.10 §6.1 §6.2 P1 P5 a long one is acknowledged first, then reports on one cursor, and completes after 100", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "story"));
      expect(await client.end(requestId)).toMatchObject({ type: "complete", result: { parts: PARTS } });
      const story = client.story(requestId);
      expect(story[0]).toMatchObject({ type: "acknowledgment", seq: 1 });
      expect(seqs(client, requestId)).toEqual(rising(seqs(client, requestId)));
      const parts = story.flatMap((message) => (message.type === "partial" ? [message.data] : []));
      expect(parts).toEqual(Array.from({ length: PARTS }, (_, n) => n));
      const percentages = story.flatMap((message) => (message.type === "progress" ? [message.percentage] : []));
      expect(percentages).toEqual(percentages.toSorted((a, b) => a - b));
      expect(story.at(-2)).toMatchObject({ type: "progress", percentage: 100 });
    });

    it("§5.6 P5 fifty quick updates are at most ten messages", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "chatter"));
      await client.end(requestId);
      const progress = client.story(requestId).filter(({ type }) => type === "progress");
      expect(progress.length).toBeGreaterThan(0);
      expect(progress.length).toBeLessThanOrEqual(10);
      expect(progress.at(-1)).toMatchObject({ percentage: 100 });
    });

    it("§3.7 §4.4 §4.6 §4.8 §5.2 §5.12 §5.13 an answer carries the ref of its question", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "story"));
      await client.end(requestId);
      client.send(
        { type: "ping", ref: "a" },
        { type: "get", request_id: requestId, ref: "b" },
        { type: "list", limit: 1, ref: "c" },
        { type: "cancel", request_id: requestId, ref: "d" },
        { type: "subscribe", request_id: requestId, ref: "e" },
        { type: "retry", request_id: requestId, ref: "f" },
      );
      const answers = await Promise.all(["a", "b", "c", "d", "e", "f"].map((ref) => client.answer(ref)));
      expect(answers.map(({ type }) => type)).toEqual(["pong", "snapshot", "list", "cancellation", "snapshot", "error"]);
      expect(answers[5]).toMatchObject({ error: { code: "VALIDATION_ERROR" } });
    });

    it("§4.1 §5.12 §5.13 metadata of scalars comes back as it was sent", async () => {
      const client = await connect();
      const requestId = id();
      const metadata = { page: "/reports", draft: true, revision: 3, share: 0.25, parent: null };
      client.send({ type: "request", id: requestId, action: "contract.story", metadata });
      await client.end(requestId);
      client.send({ type: "get", request_id: requestId, ref: "g" }, { type: "list", limit: 1, ref: "l" });
      expect(await client.answer("g")).toMatchObject({ type: "snapshot", metadata });
      expect(await client.answer("l")).toMatchObject({ type: "list", items: [{ request_id: requestId, metadata }] });
    });

    it("§5.8 P9 a failing attempt is told, and followed by another", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "flaky"));
      expect(await client.end(requestId)).toMatchObject({ type: "complete", result: { attempt: 3 }, metadata: { attempts: 3 } });
      expect(client.story(requestId).filter(({ type }) => type === "retrying")).toMatchObject([
        { attempt: 1, error: { message: "attempt 1 failed" } },
        { attempt: 2 },
      ]);
    });

    it("§4.5 P9 a dead letter is retried by hand, on the same cursor", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "broken"));
      const end = await client.end(requestId);
      expect(end).toMatchObject({ type: "error", error: { code: "PROCESSING_FAILED", message: "nothing can mend this" } });
      client.send({ type: "retry", request_id: requestId });
      const again = await client.message("second end", (message) => isError(message) && (message.seq ?? 0) > end.seq);
      expect(again).toMatchObject({ request_id: requestId });
      expect(durable(client, requestId).map(({ type }) => type)).toEqual(["acknowledgment", "error", "acknowledgment", "error"]);
    });
  });

  it("§4.9 §5.15 §5.15.1 the actions there are, with their limits, and schemas where there are some", async () => {
    const client = await connect();
    client.send({ type: "actions", ref: "a" });
    const { items } = (await client.answer("a")) as ServerMessage<"actions">;
    expect(items.find(({ action }) => action === "contract.strict")).toEqual({
      action: "contract.strict",
      description: "Takes nothing.",
      input: STRICT_INPUT,
      estimated_ms: 0,
      timeout_ms: 9_000,
      max_attempts: expect.any(Number),
      permissions: [],
    });
    const echo = items.find(({ action }) => action === "contract.echo");
    expect(echo).toMatchObject({ estimated_ms: 0, timeout_ms: expect.any(Number) });
    expect(echo).not.toHaveProperty("input");
  });

  describe("repeats", () => {
    it("§6.4 P4 one id sent again and again, from two connections, runs once", async () => {
      const clients = [await connect(), await connect()];
      const requestId = id();
      for (const client of clients) for (let n = 0; n < 5; n += 1) client.send(request(requestId, "story", { n: 1 }));
      const ends = await Promise.all(clients.map((client) => client.end(requestId)));
      expect(ends[0]).toEqual(ends[1]);
      expect(ends[0]).toMatchObject({ result: { attempt: 1 } });
      clients[0]!.send({ type: "get", request_id: requestId, ref: "g" });
      expect(await clients[0]!.answer("g")).toMatchObject({ status: "COMPLETED", attempt: 1 });
    });

    it("§4.1 P4 an id or idempotency key used for another payload is DUPLICATE_REQUEST", async () => {
      const client = await connect();
      const [first, second] = [id(), id()];
      client.send(request(first, "story", { n: 1 }, { idempotency_key: first }));
      await client.end(first);
      client.send(request(first, "story", { n: 2 }));
      client.send(request(second, "story", { n: 2 }, { idempotency_key: first }));
      for (const requestId of [first, second]) {
        const refusal = await client.message("refusal", (message) => isError(message) && message.request_id === requestId);
        expect(refusal).toMatchObject({ error: { code: "DUPLICATE_REQUEST" } });
      }
      client.send(request(id(), "story", { n: 1 }, { idempotency_key: first }));
      expect(await client.message("snapshot", about(first, "snapshot"))).toMatchObject({ status: "COMPLETED" });
    });
  });

  describe("resuming", () => {
    it("§4.2 §6.3 P6 a client cut off anywhere misses nothing and hears nothing twice", async () => {
      for (const after of [1, 2, 7, PARTS]) {
        const [cut, whole] = [await connect(), await connect()];
        const requestId = id();
        cut.send(request(requestId, "story"));
        await cut.message(
          `seq ${after}`,
          (message) => "seq" in message && about(requestId, message.type)(message) && (message.seq ?? 0) >= after,
        );
        await cut.close();
        const seen = cut.story(requestId);
        const resumed = await connect();
        resumed.send({ type: "subscribe", request_id: requestId, after: seen.at(-1)!.seq, ref: "s" });
        whole.send({ type: "subscribe", request_id: requestId });
        expect(await resumed.answer("s")).toMatchObject({ type: "snapshot", recovered: true });
        await Promise.all([resumed.end(requestId), whole.end(requestId)]);
        const joined = [...seen, ...resumed.story(requestId)];
        expect(joined.map(({ seq }) => seq)).toEqual(rising(joined.map(({ seq }) => seq)));
        expect(joined.filter(({ type }) => type !== "progress")).toEqual(durable(whole, requestId));
      }
    });

    it("§6.5 P6 a seq from the future is not recovered, and the snapshot says what there is", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "story"));
      await client.end(requestId);
      const other = await connect();
      other.send({ type: "subscribe", request_id: requestId, after: 1_000_000, ref: "s" }, { type: "ping", ref: "p" });
      expect(await other.answer("s")).toMatchObject({ recovered: false, status: "COMPLETED", result: { parts: PARTS } });
      await other.answer("p");
      expect(other.story(requestId)).toEqual([]);
    });

    if (transport.isOrdered)
      it("§4.3 whoever unsubscribes hears no more", async () => {
        const client = await connect();
        const requestId = id();
        client.send(request(requestId, "wait"));
        await client.message("acknowledgment", about(requestId, "acknowledgment"));
        client.send({ type: "unsubscribe", request_id: requestId }, { type: "ping", ref: "p" });
        await client.answer("p");
        const other = await connect();
        other.send({ type: "subscribe", request_id: requestId }, { type: "cancel", request_id: requestId });
        await other.end(requestId);
        client.send({ type: "ping", ref: "q" });
        await client.answer("q");
        expect(client.story(requestId).filter(({ type }) => type === "error" || type === "cancellation")).toEqual([]);
      });
  });

  describe("cancelling", () => {
    it("§4.4 §5.9 §7 P8 a running request: requested, observed, stopped, to every subscriber", async () => {
      const clients = [await connect(), await connect()];
      const requestId = id();
      clients[0]!.send(request(requestId, "wait"));
      await clients[0]!.message("first progress", about(requestId, "progress"));
      clients[1]!.send({ type: "subscribe", request_id: requestId }, { type: "cancel", request_id: requestId, reason: "enough" });
      for (const client of clients) {
        expect(await client.end(requestId)).toMatchObject({ type: "error", error: { code: "CANCELLED" } });
        const stages = client.story(requestId).flatMap((message) => (message.type === "cancellation" ? [message.stage] : []));
        expect([...new Set(stages)]).toEqual(["requested", "observed", "stopped"]);
      }
    });

    it("§7 P8 a waiting request: at once; an ended one: too late", async () => {
      const client = await connect();
      const requestId = id();
      client.send(request(requestId, "wait", {}, { delay_ms: 3_600_000 }));
      // A cancel right behind its request is only certain to find it where frames keep their order (§6.6).
      if (!transport.isOrdered) await client.message("acknowledgment", about(requestId, "acknowledgment"));
      client.send({ type: "cancel", request_id: requestId });
      expect(await client.end(requestId)).toMatchObject({ type: "error", error: { code: "CANCELLED" } });
      client.send({ type: "cancel", request_id: requestId, ref: "late" });
      expect(await client.answer("late")).toMatchObject({ type: "cancellation", stage: "too_late" });
    });
  });

  describe("isolation", () => {
    it("§2.2 P10 to another user, or the same name in another tenant, a request is not there", async () => {
      const mine = await connect("alice", "acme");
      const requestId = id();
      mine.send(request(requestId, "wait"));
      await mine.message("acknowledgment", about(requestId, "acknowledgment"));
      for (const [user, tenant] of [
        ["bob", "acme"],
        ["alice", "other"],
      ] as const) {
        const other = await connect(user, tenant);
        for (const type of ["get", "subscribe", "cancel", "retry"] as const) {
          other.send({ type, request_id: requestId, ref: type });
          expect(await other.answer(type)).toMatchObject({ type: "error", error: { code: "NOT_FOUND" } });
        }
        other.send({ type: "unsubscribe", request_id: requestId }, { type: "list", limit: 100, ref: "l" });
        expect(JSON.stringify(await other.answer("l"))).not.toContain(requestId);
        // Theirs under the same id is another request.
        other.send(request(requestId, "story"));
        expect(await other.end(requestId)).toMatchObject({ type: "complete" });
      }
      mine.send({ type: "get", request_id: requestId, ref: "g" });
      expect(await mine.answer("g")).toMatchObject({ status: "PROCESSING" });
      mine.send({ type: "cancel", request_id: requestId });
      await mine.end(requestId);
      expect(seqs(mine, requestId)).toEqual(rising(seqs(mine, requestId)));
    });

    it("§4.7 §8 P10 a list has one's own requests, page by page, newest first", async () => {
      const user = id();
      const client = await connect(user);
      const made = Array.from({ length: 5 }, id);
      for (const requestId of made) {
        client.send(request(requestId, "story"));
        await client.end(requestId);
      }
      const listed: string[] = [];
      let cursor: string | undefined;
      do {
        const ref = `page ${listed.length}`;
        client.send({
          type: "list",
          limit: 2,
          action: "contract.story",
          status: "COMPLETED",
          ref,
          ...(cursor !== undefined && { cursor }),
        });
        const page = (await client.answer(ref)) as ServerMessage<"list">;
        listed.push(...page.items.map(({ request_id }) => request_id));
        ({ cursor } = page);
      } while (cursor !== undefined);
      expect(listed).toEqual(made.toReversed());
    });
  });
}
