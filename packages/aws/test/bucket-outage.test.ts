/** The bucket refuses for a while: that is a store that fails, not a value that can never be stored (P1, P2). */
import type { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isStreamerError } from "@streamer/core";
import { submission } from "@streamer/contract/samples";
import { createObjects } from "../src/s3/objects.ts";
import { createHarness, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

const LARGE = "x".repeat(20_000);
const TERMS = { leaseMs: 30_000, lanes: [{ actions: ["work"], free: 1 }], concurrency: {} };
let cloud: Cloud;
let harness: AwsHarness;
let isDown = false;
beforeAll(async () => {
  cloud = await startCloud();
  cloud.s3.middlewareStack.add(
    (next) => (args) => {
      if (isDown) throw Object.assign(new Error("Please reduce your request rate."), { name: "SlowDown" });
      return next(args);
    },
    { step: "initialize", name: "outage" },
  );
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  isDown = false;
  harness = await createHarness(cloud);
});

const refusal = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => "it was taken",
    (error: unknown) => (isStreamerError(error) && error.code === "STORAGE_ERROR" ? "passing" : error),
  );

it("P2 a result too large for an item is refused for now, and stands at the next try", async () => {
  const { requests } = harness.engine;
  await requests.submit(submission("r1", { payloadText: "{}" }));
  const [claim] = await requests.claim(TERMS);
  const settle = () =>
    requests.settle(claim!.lease, {
      status: "COMPLETED",
      runMs: 1,
      events: [{ type: "complete", result: LARGE, metadata: { attempts: 1, queue_ms: 0, run_ms: 1 } }],
    });
  isDown = true;
  expect(await refusal(settle())).toBe("passing");
  isDown = false;
  expect(await settle()).toMatchObject({ outcome: "written" });
});

it("P1 a payload too large for an item is refused for now, and nothing of it is accepted", async () => {
  const { requests } = harness.engine;
  const asked = submission("r1", { payloadText: JSON.stringify(LARGE) });
  isDown = true;
  expect(await refusal(requests.submit(asked))).toBe("passing");
  isDown = false;
  expect(await requests.submit(asked)).toMatchObject({ outcome: "created" });
});

describe("what is no outage stays what it is", () => {
  it("an object that is not there, one that is taken, and a call that was called off", async () => {
    const { blobs } = harness.engine;
    expect(await blobs.open("nobody/nothing")).toBeUndefined();
    const stopping = AbortSignal.abort(new Error("called off"));
    await expect(blobs.put("a/b", "text", { signal: stopping })).rejects.toThrow("called off");
  });

  it("but a text that is cut off in the middle is one", async () => {
    const Body = { transformToString: async () => Promise.reject(Object.assign(new Error("aborted"), { code: "ECONNRESET" })) };
    const objects = createObjects({ send: async () => ({ Body }) } as unknown as S3Client, "bucket", harness.clock);
    expect(await refusal(objects.readText("values/x"))).toBe("passing");
  });
});
