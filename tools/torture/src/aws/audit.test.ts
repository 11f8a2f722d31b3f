import { expect, it } from "vitest";
import type { ServerMessage } from "@streamer/protocol";
import type { Asked } from "./asker.ts";
import { audit, logOf } from "./audit.ts";
import { wishOf, type Kind } from "./wishes.ts";

const acknowledgment = { type: "acknowledgment", seq: 1, status: "queued", message: "" };
const row = (seq: number, at: number, attempt = 1): object => ({ type: "partial", seq, stream: "rows", index: at, data: [attempt, at] });
const complete = (seq: number, result: unknown): object => ({
  type: "complete",
  seq,
  result,
  metadata: { attempts: 1, queue_ms: 0, run_ms: 0 },
});
const story = [acknowledgment, { type: "progress", seq: 3, percentage: 50, attempt: 1 }, complete(4, { n: 7 })];
const allRows = [acknowledgment, ...Array.from({ length: 12 }, (_, at) => row(at + 2, at)), complete(14, { n: 7 })];

function asked(kind: Kind, frames: readonly object[]): Asked {
  const heard = frames.map((frame) => ({ at: 0, connection: 1, message: { request_id: "r1", timestamp: 1, ...frame } as ServerMessage }));
  const end = heard.findLast(({ message }) => message.type === "complete" || message.type === "error" || message.type === "response");
  return { wish: wishOf(kind, { id: "r1", n: 7, random: () => 0 }), askedAt: 0, heard, end, sends: 1, cancels: 0 };
}
const found = (kind: Kind, frames: readonly object[], log = frames): readonly string[] =>
  audit(asked(kind, frames), logOf(asked(kind, log))).broken;

it("finds nothing where every promise was kept, progress left out and events told again included", () => {
  expect(found("steady", story)).toEqual([]);
  expect(found("rows", allRows)).toEqual([]);
  expect(audit(asked("steady", [story[0]!, story[0]!, ...story.slice(1)]), logOf(asked("steady", story)))).toEqual({
    broken: [],
    repeats: 1,
  });
  expect(found("quick", [{ type: "response", success: true, data: { n: 7 }, metadata: { processing_ms: 1 } }], [])).toEqual([
    "P2 r1 (quick): its log has 0 ends",
  ]);
});

const without = (at: number): readonly object[] => allRows.toSpliced(at, 1);
const BROKEN: Readonly<Record<string, readonly [kind: Kind, frames: readonly object[], log: readonly object[], what: RegExp]>> = {
  "a request that still waits": ["steady", story.slice(0, 2), story, /P2 .* still waits/],
  "a result of another": ["steady", [...story.slice(0, 2), complete(4, { n: 8 })], story, /not of 7/],
  "an event that was never told": ["rows", without(5), allRows, /P5 P6 .* seq 6 was never told/],
  "an event out of order": ["rows", [allRows[0]!, allRows[2]!, allRows[1]!, ...allRows.slice(3)], allRows, /seq 2 comes after 3/],
  "an event that the log does not have": ["rows", allRows, without(4), /is not in the log/],
  "rows that the last attempt left out": ["rows", without(5), without(5), /has the rows/],
  "two ends": ["steady", story, [...story, complete(5, { n: 7 })], /its log has 2 ends/],
};

it.each(Object.entries(BROKEN))("finds %s", (_name, [kind, frames, log, what]) => {
  expect(found(kind, frames, log).join("\n")).toMatch(what);
});
