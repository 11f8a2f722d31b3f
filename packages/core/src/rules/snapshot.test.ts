import { expect, it } from "vitest";
import type { RequestKey, RequestRecord } from "../ports/requests.ts";
import { snapshotOf } from "./snapshot.ts";

const record: RequestRecord = {
  key: "k" as RequestKey,
  requestId: "r1",
  owner: { tenantId: "t", userId: "u" },
  action: "work",
  status: "PENDING",
  attempt: 0,
  seq: 2,
  metadata: {},
  createdAt: 1.4,
  runAt: 1.6,
};

it("says what a request waits for, as far as somebody has looked", () => {
  expect(snapshotOf(record, 5)).not.toHaveProperty("waiting_for");
  expect(snapshotOf({ ...record, waitingFor: { reason: "no_worker" } }, 5)).toMatchObject({ waiting_for: "no_worker" });
  expect(snapshotOf({ ...record, waitingFor: { reason: "queue", position: 0 } }, 5)).toMatchObject({ waiting_for: "queue", position: 0 });
  expect(snapshotOf({ ...record, waitingFor: { reason: "no_worker" } }, 5)).not.toHaveProperty("position");
});

it("says how the last attempt failed, and gives metadata back as it came", () => {
  const error = { code: "TIMEOUT", message: "too slow", retry: { retryable: true } } as const;
  const metadata = { page: "/a", draft: true, revision: 3, parent: null };
  expect(snapshotOf({ ...record, status: "RETRYING", attempt: 1, error, metadata }, 5)).toMatchObject({
    status: "RETRYING",
    error,
    metadata,
  });
});

it("is all that a client may know of a request, in whole milliseconds, and nothing that is not there", () => {
  expect(snapshotOf(record, 5.6)).toStrictEqual({
    type: "snapshot",
    request_id: "r1",
    seq: 2,
    timestamp: 6,
    action: "work",
    status: "PENDING",
    attempt: 0,
    created_at: 1,
    run_at: 2,
  });
  const progress = { percentage: 50 };
  expect(snapshotOf({ ...record, endedAt: 9.4, progress, result: null }, 10)).toMatchObject({ ended_at: 9, progress, result: null });
});
