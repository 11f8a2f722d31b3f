import { describe, expect, it } from "vitest";
import type { ClientMessage, ServerMessage } from "@streamer/protocol";
import { judge, type Terms } from "./verdict.ts";
import type { Entry } from "./tape.ts";

const ID = "r1";
type Line = Entry | ClientMessage | object;
const isClient = (line: object): line is ClientMessage =>
  "type" in line && ["request", "subscribe", "cancel", "retry", "ping"].includes(String(line.type));

/** Frames in the order they went: those of clients were sent, others heard, on the connection that was opened last. */
function tapeOf(...lines: readonly Line[]): readonly Entry[] {
  let connection = 0;
  return lines.map((line): Entry => {
    if ("what" in line) {
      if (line.what === "opened") connection += 1;
      return { ...line, connection };
    }
    if (isClient(line)) return { what: "sent", connection, message: line };
    return { what: "heard", connection, message: { request_id: ID, timestamp: 1, ...line } as ServerMessage };
  });
}

const opened = { what: "opened", connection: 0 } as const;
const closed = { what: "closed", connection: 0 } as const;
const asks: ClientMessage = { type: "request", id: ID, action: "story" };
const ack = { type: "acknowledgment", seq: 1, status: "queued", message: "" };
const progress = (seq: number, percentage: number, attempt = 1): object => ({ type: "progress", seq, percentage, attempt });
const partial = (seq: number, index: number): object => ({ type: "partial", seq, stream: "rows", index, data: index });
const receipt = (seq: number, stage: string): object => ({ type: "cancellation", seq, stage });
const complete = (seq: number, attempts = 1): object => ({ type: "complete", seq, metadata: { attempts, queue_ms: 0, run_ms: 0 } });
const failed = (seq: number): object => ({ type: "error", seq, error: { code: "CANCELLED", message: "" } });
const response = (data: unknown): object => ({ type: "response", success: true, data, metadata: { processing_ms: 1 } });
const subscribes = (after: number): ClientMessage => ({ type: "subscribe", request_id: ID, after, ref: `s${after}` });
const snapshot = (after: number, seq: number, recovered = true): object => ({ type: "snapshot", seq, recovered, ref: `s${after}` });
const welcome = (epoch: string): object => ({ type: "welcome", epoch });

describe("a story that keeps every promise has no findings", () => {
  const kept: Readonly<Record<string, readonly Line[]>> = {
    "queued, followed to its end": [opened, asks, ack, progress(2, 50), partial(3, 0), progress(5, 100), complete(6)],
    "cut off and resumed": [opened, asks, ack, partial(2, 0), closed, opened, subscribes(2), snapshot(2, 4), partial(3, 1), complete(4)],
    "cut off and asked again": [
      opened,
      asks,
      ack,
      partial(2, 0),
      closed,
      opened,
      asks,
      { type: "snapshot", seq: 3, recovered: true, ref: ID },
      ack,
      partial(2, 0),
      complete(3),
    ],
    "answered at once, asked twice": [opened, asks, closed, opened, asks, response(1)],
    "an attempt that starts over": [
      opened,
      asks,
      ack,
      progress(2, 60),
      partial(3, 0),
      { type: "retrying", seq: 4, attempt: 1 },
      progress(5, 10, 2),
      partial(6, 0),
      progress(7, 100, 2),
      complete(8, 2),
    ],
    cancelled: [
      opened,
      asks,
      ack,
      { type: "cancel", request_id: ID, ref: "c" },
      receipt(2, "requested"),
      receipt(3, "observed"),
      receipt(4, "stopped"),
      failed(5),
    ],
    refused: [opened, asks, { type: "error", error: { code: "RATE_LIMITED", message: "", retry: { retryable: true, after_ms: 9 } } }],
    "retried by hand": [opened, asks, ack, failed(2), { type: "retry", request_id: ID, ref: "t" }, { ...ack, seq: 3 }, complete(4)],
    "events that can no longer be replayed": [opened, asks, ack, closed, opened, subscribes(1), snapshot(1, 9, false), complete(10)],
    "another store": [
      opened,
      welcome("a"),
      asks,
      ack,
      partial(2, 0),
      closed,
      opened,
      welcome("b"),
      asks,
      { ...ack, message: "new" },
      complete(2),
    ],
  };
  it.each(Object.entries(kept))("%s", (_, lines) => {
    expect(judge(tapeOf(...lines), { isSteady: true })).toEqual([]);
  });
});

describe("each fault is seen", () => {
  const broken: Readonly<Record<string, readonly [fault: string, text: RegExp, lines: readonly Line[], terms?: Terms]>> = {
    "P2 no end": ["lost", /its end never told/, [opened, asks, ack, partial(2, 0)]],
    "P12 no answer at all": ["unanswered", /never answered/, [opened, asks]],
    "P12 a frame without an answer": ["unanswered", /ping/, [opened, { type: "ping", ref: "p" }]],
    "P12 a frame answered twice": [
      "duplicated",
      /twice/,
      [opened, { type: "ping", ref: "p" }, { type: "pong", ref: "p" }, { type: "pong", ref: "p" }],
    ],
    "P12 no message": ["invalid", /no message/, [opened, { what: "unreadable", connection: 0, text: "<html>" }]],
    "P5 a partial left out": ["lost", /partials 1 to 1/, [opened, asks, ack, partial(2, 0), partial(4, 2), complete(5)]],
    "P6 an event left out of a replay": [
      "lost",
      /left out of a replay/,
      [opened, asks, ack, receipt(2, "requested"), closed, opened, subscribes(0), snapshot(0, 3), ack, complete(3)],
    ],
    "P5 complete below 100 %": ["lost", /complete at 50/, [opened, asks, ack, progress(2, 50), complete(3)]],
    "P5 a seq twice on one cursor": ["duplicated", /seq 2 came twice/, [opened, asks, ack, partial(2, 0), partial(2, 0), complete(3)]],
    "P6 a replay that says it twice": [
      "duplicated",
      /seq 2 came twice/,
      [opened, asks, ack, partial(2, 0), closed, opened, subscribes(1), snapshot(1, 3), partial(2, 0), partial(2, 0), complete(3)],
    ],
    "P5 a seq that goes back": ["disordered", /seq 2 came after 3/, [opened, asks, ack, partial(3, 1), partial(2, 0), complete(4)]],
    "P5 one seq for two events": [
      "duplicated",
      /seq 2 is/,
      [opened, asks, ack, partial(2, 0), closed, opened, subscribes(1), snapshot(1, 3), { ...partial(2, 0), data: 7 }, complete(3)],
    ],
    "P2 two ends": ["duplicated", /ended 2 times/, [opened, asks, ack, complete(2), failed(3)]],
    "P2 something after the end": ["disordered", /after its end/, [opened, asks, ack, complete(2), partial(3, 0)]],
    "P4 answered at once and queued": ["duplicated", /queued request too/, [opened, asks, response(1), ack, complete(2)]],
    "P4 two answers": ["duplicated", /answered with/, [opened, asks, response(1), closed, opened, asks, response(2)]],
    "P4 more answers than questions": ["duplicated", /answered 2 times/, [opened, asks, response(1), response(1)]],
    "P4 a second run": ["duplicated", /ran 2 times/, [opened, asks, ack, complete(2, 2)], { isSteady: true }],
    "P5 progress that goes back": [
      "disordered",
      /from 60 %/,
      [opened, asks, ack, progress(2, 60), progress(3, 40), progress(4, 100), complete(5)],
    ],
    "P8 receipts in the wrong order": [
      "disordered",
      /"observed" came after/,
      [opened, asks, ack, receipt(2, "stopped"), receipt(3, "observed"), failed(4)],
    ],
    "P8 a receipt twice": [
      "duplicated",
      /"stopped" came twice/,
      [opened, asks, ack, receipt(2, "stopped"), receipt(3, "stopped"), failed(4)],
    ],
    "P6 an event nobody asked for": [
      "disordered",
      /not asked/,
      [opened, asks, ack, closed, opened, complete(2), subscribes(1), snapshot(1, 2), complete(2)],
    ],
  };
  it.each(Object.entries(broken))("%s", (_, [fault, text, lines, terms]) => {
    const findings = judge(tapeOf(...lines), terms);
    expect(findings).toContainEqual({ fault, id: expect.any(String), text: expect.stringMatching(text) });
  });
});

it("§6.1 §11 behind an API gateway an event or an answer may come again, and nothing else is forgiven", () => {
  const pong = { type: "pong", ref: "p" } as const;
  const again = [opened, asks, ack, { type: "ping", ref: "p" } as const, pong, partial(2, 0), partial(2, 0), complete(3), pong];
  expect(judge(tapeOf(...again), { mayRepeat: true })).toEqual([]);
  expect(judge(tapeOf(opened, asks, ack, partial(2, 0), partial(4, 2), complete(5)), { mayRepeat: true })).toHaveLength(1);
});

it("before it is over, nothing is missing yet", () => {
  expect(judge(tapeOf(opened, asks, ack, { type: "ping", ref: "p" }), { isOver: false })).toEqual([]);
});
