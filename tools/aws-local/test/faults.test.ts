/** Faults happen as they were decided, where they were decided, and to nothing else. */
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CallFault, InvocationFault, MessageFault, RecordsFault, ServiceCall } from "../src/index.ts";
import { brokenRecords } from "../src/faults/break-records.ts";
import type { StreamRecord } from "../src/streams/records.ts";
import { startFixture, type Fixture } from "./fixture/running.ts";

let fixture: Fixture;
let onCall: (call: ServiceCall) => CallFault | undefined;
let onRecords: RecordsFault | undefined;
let onMessage: MessageFault | undefined;
let onInvocation: (functionName: string) => InvocationFault | undefined;
const settle = (): void => {
  [onCall, onRecords, onMessage, onInvocation] = [() => undefined, undefined, undefined, () => undefined];
};
settle();
beforeAll(async () => {
  fixture = await startFixture({
    dials: { streams: { pollMs: 20, retryMs: [20, 100] } },
    faults: {
      call: (call) => onCall(call),
      records: () => onRecords,
      message: () => onMessage,
      invocation: ({ functionName }) => onInvocation(functionName),
    },
  });
});
afterAll(() => fixture?.[Symbol.asyncDispose]());
beforeEach(settle);

const put = (pk: string) =>
  fixture.dynamodb.send(new PutItemCommand({ TableName: fixture.table, Item: { pk: { S: pk }, kind: { S: "put" } } }));
const isThere = async (pk: string): Promise<boolean> =>
  (await fixture.dynamodb.send(new GetItemCommand({ TableName: fixture.table, Key: { pk: { S: pk } } }))).Item !== undefined;
/** The calls of one service, once each kind. */
const calls = {
  dynamodb: () => put("refused"),
  s3: () => fixture.s3.send(new PutObjectCommand({ Bucket: fixture.bucket, Key: "data/x", Body: "x" })),
  sqs: () => fixture.sqs.send(new SendMessageCommand({ QueueUrl: fixture.queueUrl("Parked"), MessageBody: "x" })),
  lambda: () => fixture.lambda.send(new InvokeCommand({ FunctionName: fixture.functionName("Tick") })),
  connections: () => fixture.management.send(new PostToConnectionCommand({ ConnectionId: "nobody", Data: "x" })),
};

describe("a call", () => {
  it.each(Object.keys(calls) as (keyof typeof calls)[])(
    "of %s is refused as that service refuses, and knows who calls",
    async (service) => {
      const seen: ServiceCall[] = [];
      const statuses = { throttle: { dynamodb: 400, s3: 503, sqs: 400, lambda: 429, connections: 429 }[service], fail: 500 } as const;
      for (const kind of ["throttle", "fail"] as const) {
        onCall = (call) => {
          seen.push(call);
          return call.service === service ? { kind } : undefined;
        };
        await expect(calls[service]()).rejects.toMatchObject({ $metadata: { httpStatusCode: statuses[kind] } });
      }
      const own = seen.filter((call) => call.service === service);
      expect(own).toMatchObject([{ caller: "operator" }, { caller: "operator" }]);
      expect(new Set(own.map(({ invocationId }) => invocationId)).size).toBe(2);
    },
  );

  it("of @connections is told that the connection is gone", async () => {
    onCall = () => ({ kind: "gone" });
    await expect(calls.connections()).rejects.toMatchObject({ name: "GoneException" });
  });

  it("whose answer is lost is done; one that hangs is not", async () => {
    onCall = ({ operation }) => (operation === "PutItem" ? { kind: "lose_answer" } : undefined);
    await expect(put("lost")).rejects.toBeInstanceOf(Error);
    expect(await isThere("lost")).toBe(true);
    onCall = ({ operation }) => (operation === "PutItem" ? { kind: "hang", ms: 20 } : undefined);
    await expect(put("hung")).rejects.toBeInstanceOf(Error);
    expect(await isThere("hung")).toBe(false);
    onCall = ({ service }) => (service === "s3" ? { kind: "lose_answer" } : undefined);
    await expect(calls.s3()).rejects.toBeInstanceOf(Error);
  });

  it("that is slow is done all the same", async () => {
    onCall = ({ operation }) => (operation === "PutItem" ? { kind: "slow", ms: 100 } : undefined);
    const begun = performance.now();
    await put("slow");
    expect(performance.now() - begun).toBeGreaterThan(99);
    expect(await isThere("slow")).toBe(true);
  });
});

describe("records of a stream", () => {
  const record = (pk: string, SequenceNumber: string): StreamRecord =>
    ({
      eventID: SequenceNumber,
      dynamodb: { Keys: { pk: { S: pk } }, NewImage: { key: { S: pk } }, SequenceNumber },
    }) as unknown as StreamRecord;
  const read = [record("a", "1"), record("b", "2"), record("a", "3"), record("c", "4")];
  const numbers = (records: readonly StreamRecord[]): string => records.map(({ dynamodb }) => dynamodb.SequenceNumber).join(" ");

  it("come doubled, or in another order of items but not of one item's own", () => {
    expect(numbers(brokenRecords(read, undefined))).toBe("1 2 3 4");
    expect(numbers(brokenRecords(read, { kind: "double" }))).toBe("1 2 3 4 1 2 3 4");
    expect(numbers(brokenRecords(read, { kind: "reorder" }))).toBe("4 2 1 3");
    expect(brokenRecords(read, { kind: "poison" })[0]).toMatchObject({ dynamodb: { Keys: { pk: { S: "a" } }, NewImage: {} } });
  });

  it("reach the function twice when they are doubled, and late when the shard stands still", async () => {
    const noted = async (pk: string): Promise<number> =>
      (await fixture.notes<StreamRecord>("stream")).filter(({ dynamodb }) => JSON.stringify(dynamodb.Keys).includes(pk)).length;
    onRecords = { kind: "double" };
    await fixture.put("twice", "run");
    await expect.poll(() => noted("twice"), { timeout: 100_000 }).toBe(2);
    onRecords = { kind: "stall", ms: 300 };
    const begun = performance.now();
    await fixture.put("late", "run");
    await expect.poll(() => noted("late"), { timeout: 100_000 }).toBe(1);
    expect(performance.now() - begun).toBeGreaterThan(299);
  });
});

it("a message comes twice, or later than it should", async () => {
  const noted = async (text: string): Promise<number> =>
    (await fixture.notes<{ readonly body: string }>("consume")).filter(({ body }) => body === text).length;
  const send = (MessageBody: string) => fixture.sqs.send(new SendMessageCommand({ QueueUrl: fixture.queueUrl("Work"), MessageBody }));
  onMessage = { kind: "double", afterMs: 10 };
  await send("doubled");
  await expect.poll(() => noted("doubled"), { timeout: 100_000 }).toBe(2);
  onMessage = { kind: "late", ms: 300 };
  const begun = performance.now();
  await send("late");
  await expect.poll(() => noted("late"), { timeout: 100_000 }).toBe(1);
  expect(performance.now() - begun).toBeGreaterThan(299);
});

describe("a function", () => {
  const run = async (payload: object) => {
    const { FunctionError, Payload } = await fixture.lambda.send(
      new InvokeCommand({ FunctionName: fixture.functionName("Task"), Payload: JSON.stringify(payload) }),
    );
    return { isError: FunctionError !== undefined, answer: Buffer.from(Payload ?? []).toString("utf8") };
  };
  const broken = (fault: InvocationFault): void => {
    const task = fixture.functionName("Task");
    onInvocation = (functionName) => (functionName === task ? fault : undefined);
  };

  it("is killed in the middle of a call, and the next call begins anew", async () => {
    await run({});
    broken({ kind: "kill", afterMs: 50 });
    expect(await run({ ms: 1_000 })).toMatchObject({ isError: true, answer: expect.stringContaining("Runtime.ExitError") as string });
    settle();
    expect(await run({})).toMatchObject({ isError: false });
  });

  it("stands still in the middle of a call, and goes on", async () => {
    broken({ kind: "freeze", afterMs: 20, ms: 400 });
    const begun = performance.now();
    expect(await run({ ms: 100 })).toMatchObject({ isError: false });
    expect(performance.now() - begun).toBeGreaterThan(400);
  });

  it("is killed between two calls, and begins cold", async () => {
    await run({});
    const before = fixture.aws.functions()[fixture.functionName("Task")]!.coldStarts;
    await run({});
    expect(fixture.aws.functions()[fixture.functionName("Task")]!.coldStarts).toBe(before);
    broken({ kind: "cold" });
    await run({});
    expect(fixture.aws.functions()[fixture.functionName("Task")]!.coldStarts).toBe(before + 1);
  });
});
