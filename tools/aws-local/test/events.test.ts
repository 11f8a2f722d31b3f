/** What invokes functions: streams, queues, asynchronous calls and rules, each with its filter, its retries and its end. */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { SendMessageBatchCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFixture, type Fixture } from "./fixture/running.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture({ dials: { streams: { pollMs: 20, retryMs: [20, 100] }, schedule: { periodMs: 2_000 } } });
});
afterAll(() => fixture?.[Symbol.asyncDispose]());

interface Record {
  readonly eventName: string;
  readonly eventSource: string;
  readonly eventSourceARN: string;
  readonly awsRegion: string;
  readonly dynamodb: { readonly Keys: { readonly pk: { readonly S: string } }; readonly NewImage: object };
}

describe("the stream of a table", () => {
  it("brings the records that pass the filter, in their order, and no others", async () => {
    for (let n = 0; n < 20; n += 1) await fixture.put(`item ${n % 4}`, n % 2 === 0 ? "run" : "rest");
    const seen = await fixture.notes<Record>("stream", 10);
    expect(seen).toHaveLength(10);
    expect(seen[0]).toMatchObject({ eventSource: "aws:dynamodb", awsRegion: "us-east-1", dynamodb: { NewImage: { kind: { S: "run" } } } });
    expect(seen[0]!.eventSourceARN).toMatch(/^arn:aws:dynamodb:us-east-1:000000000000:table\/Notes\w+\/stream\/.+/);
    const [statistics] = Object.values(fixture.aws.streams());
    expect(statistics!.read).toBeGreaterThanOrEqual(20);
    expect(statistics!.passed).toBe(10);
  });

  it("has a record that fails tried again and then parked, and those around it delivered", async () => {
    await Promise.all([fixture.put("good 1", "run"), fixture.put("bad", "bad"), fixture.put("good 2", "run")]);
    const parked = await fixture.received<{ readonly requestContext: object; readonly DDBStreamBatchInfo: object }>(
      fixture.queueUrl("Parked"),
    );
    expect(parked).toMatchObject({
      requestContext: { condition: "RetryAttemptsExhausted", approximateInvokeCount: 2 },
      DDBStreamBatchInfo: { batchSize: 1 },
    });
    const keys = (await fixture.notes<Record>("stream", 12)).map(({ dynamodb }) => dynamodb.Keys.pk.S);
    expect(keys).toEqual(expect.arrayContaining(["good 1", "good 2"]));
  });

  it("goes on after a record that kills its function", async () => {
    await fixture.put("die", "run");
    expect(await fixture.received(fixture.queueUrl("Parked"))).toMatchObject({ responseContext: { functionError: "Unhandled" } });
    await fixture.put("after", "run");
    await expect.poll(async () => JSON.stringify(await fixture.notes("stream")), { timeout: 100_000 }).toContain('"after"');
  });
});

describe("a queue", () => {
  it("invokes its function, delays what should wait, and brings back what failed until it is parked", async () => {
    const QueueUrl = fixture.queueUrl("Work");
    const sentAt = Date.now();
    await fixture.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "late", DelaySeconds: 1 }));
    await fixture.sqs.send(
      new SendMessageBatchCommand({ QueueUrl, Entries: ["good", "bad"].map((MessageBody, n) => ({ Id: String(n), MessageBody })) }),
    );
    const records = await fixture.notes<{ readonly body: string; readonly attributes: { readonly ApproximateReceiveCount: string } }>(
      "consume",
      4,
    );
    expect(Date.now() - sentAt).toBeGreaterThan(1_000);
    const seen = records.map(({ body, attributes }) => `${body} ${attributes.ApproximateReceiveCount}`);
    expect(seen.toSorted()).toEqual(["bad 1", "bad 2", "good 1", "late 1"]);
    await expect
      .poll(() => fixture.aws.queues.all.map(({ counts }) => counts().visible + counts().hidden), { timeout: 100_000 })
      .toEqual([1, 0]);
    fixture.aws.queues.all[0]!.purge();
  });

  it("refuses what SQS refuses", async () => {
    const send = (body: string, DelaySeconds = 0): Promise<unknown> =>
      fixture.sqs.send(new SendMessageCommand({ QueueUrl: fixture.queueUrl("Work"), MessageBody: body, DelaySeconds }));
    await expect(send("x", 901)).rejects.toMatchObject({ name: "InvalidParameterValue" });
    await expect(send("x".repeat(1_048_577))).rejects.toMatchObject({ name: "InvalidParameterValue" });
  });
});

describe("an asynchronous invocation", () => {
  const later = (payload: object): Promise<unknown> =>
    fixture.lambda.send(
      new InvokeCommand({
        FunctionName: `${fixture.functionName("Task")}:live`,
        InvocationType: "Event",
        Payload: new TextEncoder().encode(JSON.stringify(payload)),
      }),
    );

  it("is accepted at once; one that fails goes to its destination, with what Lambda tells of it", async () => {
    expect(await later({ fail: true, n: 1 })).toMatchObject({ StatusCode: 202 });
    expect(await fixture.received(fixture.queueUrl("Parked"))).toMatchObject({
      version: "1.0",
      requestContext: { condition: "RetriesExhausted", approximateInvokeCount: 1, functionArn: expect.stringMatching(/:live$/) as string },
      requestPayload: { fail: true, n: 1 },
      responseContext: { statusCode: 200, functionError: "Unhandled" },
      responsePayload: { errorType: "Error", errorMessage: "as asked" },
    });
  });

  it("that outlives the timeout is ended and reported as such", async () => {
    await later({ ms: 60_000 });
    expect(await fixture.received(fixture.queueUrl("Parked"))).toMatchObject({ responsePayload: { errorType: "Sandbox.Timedout" } });
  });

  it("waits while all instances are busy, where one that is waited for is refused", async () => {
    const before = (await fixture.notes("task")).length;
    await Promise.all([1, 2, 3, 4, 5].map((n) => later({ ms: 400, n })));
    const now = (): Promise<unknown> => fixture.lambda.send(new InvokeCommand({ FunctionName: fixture.functionName("Task") }));
    await expect(now()).rejects.toMatchObject({
      name: "TooManyRequestsException",
      Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
    });
    expect((await fixture.notes("task", before + 5)).length).toBe(before + 5);
    expect(fixture.aws.functions()[fixture.functionName("Task")]).toMatchObject({ throttles: 1 });
  });
});

it("a rule invokes its target at its rate", async () => {
  expect((await fixture.notes("tick"))[0]).toMatchObject({ source: "aws.events", "detail-type": "Scheduled Event" });
});
