/** Bad input of every kind, on a real socket: a typed answer each, and nothing else disturbed (P12). */
import { describe, expect, it } from "vitest";
import { isError, request, type WireStage } from "./stage.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
/** Frames, the code each is answered with, and the ids its answer names. */
const REFUSED: Readonly<Record<string, readonly [frame: string, code: string, about?: Readonly<Record<string, string>>]>> = {
  nothing: ["", "INVALID_MESSAGE"],
  "no JSON": ["hello", "INVALID_MESSAGE"],
  "half a message": ['{"type":"ping"', "INVALID_MESSAGE"],
  "an array": ['[{"type":"ping"}]', "INVALID_MESSAGE"],
  "a number": ["5", "INVALID_MESSAGE"],
  null: ["null", "INVALID_MESSAGE"],
  "a byte order mark": ['\uFEFF{"type":"ping"}', "INVALID_MESSAGE"],
  "no type": ["{}", "INVALID_MESSAGE"],
  "an unknown type": ['{"type":"explode","ref":"q","request_id":"x"}', "INVALID_MESSAGE", { ref: "q", request_id: "x" }],
  "a type every object has": ['{"type":"constructor"}', "INVALID_MESSAGE"],
  "a server's type": ['{"type":"complete","request_id":"x","seq":1}', "INVALID_MESSAGE", { request_id: "x" }],
  "a request without an action": ['{"type":"request","id":"x"}', "INVALID_MESSAGE", { request_id: "x" }],
  "an empty id": ['{"action":"contract.echo","id":""}', "INVALID_MESSAGE"],
  "an id too long": [`{"action":"contract.echo","id":"${"x".repeat(129)}"}`, "INVALID_MESSAGE"],
  "an id that is no string": ['{"action":"contract.echo","id":7}', "INVALID_MESSAGE"],
  "an id with half a character": ['{"action":"contract.echo","id":"\\ud800"}', "INVALID_MESSAGE"],
  "a priority of 10": ['{"action":"contract.echo","id":"x","options":{"priority":10}}', "INVALID_MESSAGE", { request_id: "x" }],
  "a mode that does not exist": ['{"action":"contract.echo","id":"x","options":{"mode":"soon"}}', "INVALID_MESSAGE", { request_id: "x" }],
  "metadata that are no scalars": ['{"action":"contract.echo","id":"x","metadata":{"a":[1]}}', "INVALID_MESSAGE", { request_id: "x" }],
  "a number too large": ['{"action":"contract.echo","id":"x","payload":1e999}', "INVALID_MESSAGE", { request_id: "x" }],
  "a number that would be rounded": [
    '{"action":"contract.echo","id":"x","payload":9007199254740993}',
    "INVALID_MESSAGE",
    { request_id: "x" },
  ],
  "too many levels": [`{"action":"contract.echo","payload":${nested(40)}}`, "INVALID_MESSAGE"],
  "an unknown action": ['{"action":"contract.nothing","id":"x"}', "INVALID_ACTION", { request_id: "x" }],
  "an action every object has": ['{"action":"__proto__","id":"x"}', "INVALID_ACTION", { request_id: "x" }],
  "an invalid payload": ['{"action":"contract.strict","id":"x"}', "VALIDATION_ERROR", { request_id: "x" }],
  "sync and scheduled": [
    '{"action":"contract.echo","id":"x","options":{"mode":"sync","delay_ms":5}}',
    "VALIDATION_ERROR",
    { request_id: "x" },
  ],
  "a start too far away": [
    '{"action":"contract.echo","id":"x","options":{"run_at":9000000000000}}',
    "VALIDATION_ERROR",
    { request_id: "x" },
  ],
  "an unknown request": ['{"type":"get","request_id":"nobody","ref":"q"}', "NOT_FOUND", { request_id: "nobody", ref: "q" }],
  "a subscription to nothing": ['{"type":"subscribe","request_id":"nobody","after":3}', "NOT_FOUND", { request_id: "nobody" }],
  "a seq that is no number": ['{"type":"subscribe","request_id":"x","after":"3"}', "INVALID_MESSAGE", { request_id: "x" }],
  "a seq below zero": ['{"type":"subscribe","request_id":"x","after":-1}', "INVALID_MESSAGE", { request_id: "x" }],
  "a page of none": ['{"type":"list","limit":0,"ref":"q"}', "INVALID_MESSAGE", { ref: "q" }],
};

/** The same, by size: what a transport refuses before the server sees it is not among them. */
const oversized = (messageBytes: number): typeof REFUSED => ({
  "very many levels": [nested(messageBytes / 2 - 100), "INVALID_MESSAGE"],
  "a payload over the limit": [`{"action":"contract.echo","payload":"${"x".repeat(messageBytes)}"}`, "PAYLOAD_TOO_LARGE"],
  "a payload over the limit in bytes alone": [
    `{"action":"contract.echo","payload":"${"€".repeat(Math.floor(messageBytes / 2.6))}"}`,
    "PAYLOAD_TOO_LARGE",
  ],
});

export function badInputContract({ connect, id, transport }: WireStage): void {
  const { messageBytes } = transport;
  describe("bad input", () => {
    it.each(Object.entries({ ...REFUSED, ...(!transport.endsOversized && oversized(messageBytes)) }))(
      "§3 §3.6 §3.8 P12 %s gets a typed error, and nothing else is disturbed",
      async (_, [frame, code, about = {}]) => {
        const client = await connect();
        const story = id();
        client.send(request(story, "story"), frame, { type: "ping", ref: "after" });
        const refusal = await client.message("refusal", isError);
        expect(refusal).toMatchObject({ ...about, error: { code, retry: { retryable: false } } });
        expect(refusal).not.toHaveProperty("seq");
        expect(JSON.stringify(refusal)).not.toMatch(/\\n +at |node_modules|\.ts:\d/);
        expect(JSON.stringify(refusal).length).toBeLessThan(4_000);
        expect(await client.answer("after")).toMatchObject({ type: "pong" });
        expect(await client.end(story)).toMatchObject({ type: "complete" });
        expect(client.received.filter(isError)).toHaveLength(1);
      },
    );

    if (transport.takesBinary)
      it("§3.1 P12 a binary frame gets a typed error", async () => {
        const client = await connect();
        client.send(new TextEncoder().encode('{"type":"ping"}'), { type: "ping", ref: "after" });
        expect(await client.message("refusal", isError)).toMatchObject({ error: { code: "INVALID_MESSAGE" } });
        expect(await client.answer("after")).toMatchObject({ type: "pong" });
      });

    it("§9 P12 a validation error lists every issue with its path", async () => {
      const client = await connect();
      client.send(request("x", "strict"));
      expect(await client.message("refusal", isError)).toMatchObject({
        error: {
          details: {
            issues: [
              { path: ["payload", "start_date"], message: "is not a date" },
              { path: ["payload", "filters", 0, "name"], message: "is unknown" },
            ],
          },
        },
      });
    });

    it("§10 P12 the largest frame and the deepest nesting are accepted", async () => {
      const client = await connect();
      const [large, deep] = [id(), id()];
      const frame = (payload: string): string => JSON.stringify(request(large, "echo", payload));
      client.send(frame("x".repeat(messageBytes - frame("").length)), `{"action":"contract.echo","id":"${deep}","payload":${nested(31)}}`);
      for (const requestId of [large, deep]) {
        const answer = await client.message("response", (message) => message.type === "response" && message.request_id === requestId);
        expect(answer).toMatchObject({ success: true });
      }
    });

    it("§2.5 P12 a frame far over the limit is closed with 1009", async () => {
      const client = await connect();
      client.send("x".repeat(5 * messageBytes));
      expect(await client.closed).toMatchObject({ code: 1009 });
    });

    if (transport.countsFrames)
      it("§10 P12 whoever sends nothing but rubbish is closed with 1008, and nobody else is", async () => {
        const [rude, polite] = [await connect(), await connect()];
        for (let n = 0; n < 150; n += 1) rude.send("rubbish");
        expect(await rude.closed).toMatchObject({ code: 1008 });
        const answered = rude.received.filter(isError).length;
        expect(answered).toBeGreaterThanOrEqual(100);
        polite.send({ type: "ping", ref: "still here" });
        expect(await polite.answer("still here")).toMatchObject({ type: "pong" });
      });
  });
}
