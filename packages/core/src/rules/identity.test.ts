import { hash } from "node:crypto";
import { expect, it } from "vitest";
import { firstClaim } from "./first-claim.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { blobPrefix, requestKey } from "./identity.ts";
import type { Submission } from "../ports/requests.ts";

it("P4 P10 a key is of one owner and id, whatever is in their names", () => {
  const of = (tenantId: string, userId: string, requestId: string) => requestKey({ tenantId, userId }, requestId);
  expect(of("acme", "alice", "r1")).toBe("acme/alice/r1");
  expect(of("a/b", "c", "d")).not.toBe(of("a", "b/c", "d"));
  expect(of("a", "b", "c/d")).toBe("a/b/c%2Fd");
  expect(blobPrefix(of("acme", "alice", "r1"))).toBe("acme/alice/r1/");
});

it("P4 a request is told from another by its action and payload: by the text itself as long as that is short", () => {
  const of = (action: string, payloadText: string) => fingerprintOf(action, payloadText, (text) => hash("sha256", text, "base64url"));
  expect(of("work", '{"n":1}')).toBe('work {"n":1}');
  const longest = "x".repeat(4_096 - "work ".length);
  expect(of("work", longest)).toBe(`work ${longest}`);
  expect(of("work", `${longest}x`)).toBe(hash("sha256", `work ${longest}x`, "base64url"));
  expect(of("a", "b".repeat(5_000))).not.toBe(of("c", "b".repeat(5_000)));
});

it("P3 the claim of the write that made a request is its first attempt", () => {
  const submission = {
    key: "k",
    requestId: "r1",
    owner: { tenantId: "t", userId: "u" },
    action: "work",
    payload: { n: 1 },
    metadata: { page: "/a" },
    permissions: ["work.do"],
    maxAttempts: 3,
    timeoutMs: 5_000,
  } as unknown as Submission;
  const { key, ...same } = submission;
  const first = { ...same, lease: { key, attempt: 1 }, failures: 0, crashes: 0, cancelRequested: false, submittedAt: 100 };
  expect(firstClaim(submission, 100)).toStrictEqual({ ...first, queueMs: 0 });
  expect(firstClaim({ ...submission, runAt: 40 }, 100)).toMatchObject({ queueMs: 60 });
  expect(firstClaim({ ...submission, runAt: 140 }, 100)).toMatchObject({ queueMs: 0 });
});
