/**
 * P5, P6 under fire: a peer that numbers durable events, replays after any cursor, and is cut, repeats itself and
 * falls back at moments chosen by fast-check. Whatever happens, a reader sees each durable event once, in order.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ServerMessage } from "@streamer/protocol";
import { connect } from "../src/index.ts";
import { startPeer } from "./fake-peer.ts";

type Step = "next" | "cut" | "repeat" | "lose";
const steps = fc.array(fc.constantFrom<Step>("next", "next", "next", "cut", "repeat", "lose"), { minLength: 1, maxLength: 40 });

it("P5: no durable event is lost or repeated, and the order is kept, over cuts and duplicates", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      await using peer = await startPeer();
      const log: (Partial<ServerMessage> & { type: ServerMessage["type"] })[] = [
        { type: "acknowledgment", request_id: "r", seq: 1, status: "queued", message: "" },
      ];
      // A server pushes to a connection that follows the request, and to no other.
      let follows = false;
      const cut = (): void => {
        follows = false;
        peer.cut();
      };
      peer.onFrame = (message) => {
        follows = true;
        if (message.type === "request") for (const event of log) peer.say(event);
        if (message.type !== "subscribe") return;
        const { after = 0, ref = "" } = message;
        peer.say({
          type: "snapshot",
          request_id: "r",
          seq: log.length,
          action: "a",
          status: "PROCESSING",
          attempt: 1,
          created_at: 1,
          recovered: true,
          ref,
        });
        for (const event of log.slice(after)) peer.say(event);
      };
      await using client = connect(peer.url, { token: "t", reconnect: { baseMs: 1, capMs: 2 } });
      const run = client.request("a", {}, { id: "r" });
      const seen: number[] = [];
      const reading = (async () => {
        for await (const event of run.events) seen.push((event as { seq: number }).seq);
      })();
      await run.accepted;
      for (const step of plan) {
        if (step === "cut") cut();
        else if (step === "repeat") {
          if (follows) for (const event of log.slice(-3)) peer.say(event);
        } else {
          log.push({ type: "partial", request_id: "r", seq: log.length + 1, stream: "s", index: log.length, data: log.length });
          // Lost: committed, and the connection was gone before it was pushed.
          if (step === "lose") cut();
          else if (follows) peer.say(log.at(-1)!);
        }
        if (step !== "repeat") await new Promise((resolve) => setImmediate(resolve));
      }
      log.push({ type: "complete", request_id: "r", seq: log.length + 1, result: 1, metadata: { attempts: 1, queue_ms: 0, run_ms: 0 } });
      cut();
      await run.result;
      await reading;
      expect(seen).toEqual(log.map((_, index) => index + 1));
    }),
    { numRuns: 60 },
  );
});
