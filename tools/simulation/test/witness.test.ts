/** What the witness of one connection takes for a broken promise behind a gateway, and what it does not. */
import type { RequestKey } from "@streamer/core";
import { expect, it } from "vitest";
import type { StoredRequest } from "../src/engine.ts";
import { createWitness, type Witness } from "../src/invariants/witness.ts";

const about = { request_id: "r1", timestamp: 1 } as const;
const ACKNOWLEDGMENT = { type: "acknowledgment", status: "queued", message: "", ...about, seq: 1 };
const REQUESTED = { type: "cancellation", stage: "requested", ...about, seq: 2 };
const PARTIAL = { type: "partial", stream: "rows", index: 0, data: 1, ...about, seq: 3 };
const OBSERVED = { type: "cancellation", stage: "observed", ...about, seq: 4 };
const PROGRESS = { type: "progress", percentage: 100, attempt: 1, ...about, seq: 5 };
const COMPLETE = { type: "complete", metadata: { attempts: 1, queue_ms: 0, run_ms: 0 }, ...about, seq: 6 };
const FAILURE = '{"message":"Internal server error","connectionId":"c1","requestId":"f1"}';

/** A request that was sent and is followed, of which this much is stored. */
function follow(events: readonly { readonly seq: number }[]): { readonly witness: Witness; readonly findings: string[] } {
  const findings: string[] = [];
  const stored: StoredRequest = {
    key: "t/u/r1" as RequestKey,
    requestId: "r1",
    owner: { tenantId: "t", userId: "u" },
    action: "work",
    status: events.includes(COMPLETE) ? "COMPLETED" : "PROCESSING",
    attempt: 1,
    maxAttempts: 1,
    failures: 0,
    crashes: 0,
    cancelRequested: true,
    seq: events.at(-1)!.seq,
    createdAt: 0,
    runAt: 0,
    events: events.map((event) => ({ seq: event.seq, text: JSON.stringify(event) })),
  };
  const witness = createWitness({
    connectionId: "c1",
    identity: { owner: stored.owner, permissions: [], device: "d1" },
    read: () => stored,
    report: (promise, what) => void findings.push(`${promise}: ${what}`),
    transport: "api-gateway",
    ids: new Set(),
    mostLateMs: 0,
  });
  witness.sent('{"type":"ping"}');
  witness.sent('{"type":"request","id":"r1","action":"work","payload":{}}');
  return { witness, findings };
}

const tell = (witness: Witness, ...frames: readonly object[]): void => {
  for (const frame of frames) witness.told(JSON.stringify(frame));
};

it("takes a receipt that only progress lies before for told in its order", () => {
  const { witness, findings } = follow([ACKNOWLEDGMENT, REQUESTED, OBSERVED, PROGRESS]);
  witness.sent('{"type":"cancel","request_id":"r1","ref":"1"}');
  tell(witness, ACKNOWLEDGMENT, REQUESTED, OBSERVED, PROGRESS);
  expect(findings).toEqual([]);
});

it("holds what follows a receipt that came too soon to the order of the log", () => {
  const { witness, findings } = follow([ACKNOWLEDGMENT, REQUESTED, PARTIAL, OBSERVED, PROGRESS]);
  witness.sent('{"type":"cancel","request_id":"r1","ref":"1"}');
  tell(witness, ACKNOWLEDGMENT, REQUESTED, OBSERVED, PROGRESS);
  expect(findings).toEqual([expect.stringContaining("P6: seq 5 comes after 2, and 3 was left out")]);
});

it("waits for no answer to a cancel once a function has failed and the end is told, and for one before", () => {
  const { witness, findings } = follow([ACKNOWLEDGMENT, PROGRESS, COMPLETE]);
  witness.sent('{"type":"cancel","request_id":"r1","ref":"1"}');
  tell(witness, ACKNOWLEDGMENT);
  witness.told(FAILURE);
  expect(witness.unanswered).toContain("cancel 1");
  tell(witness, PROGRESS, COMPLETE);
  expect(witness.unanswered).toEqual([]);
  expect(findings).toEqual([]);
});

it("waits for no answer to a cancel once a function has failed and its request was refused", () => {
  const { witness } = follow([ACKNOWLEDGMENT]);
  witness.sent('{"type":"cancel","request_id":"r1","ref":"1"}');
  witness.told(FAILURE);
  tell(witness, { type: "error", request_id: "r1", timestamp: 1, error: { code: "FORBIDDEN", message: "no" } });
  expect(witness.unanswered).toEqual([]);
});

it("waits for the answer to a cancel when no function has failed", () => {
  const { witness } = follow([ACKNOWLEDGMENT, PROGRESS, COMPLETE]);
  witness.sent('{"type":"cancel","request_id":"r1","ref":"1"}');
  tell(witness, ACKNOWLEDGMENT, PROGRESS, COMPLETE);
  expect(witness.unanswered).toEqual(["cancel 1"]);
});
