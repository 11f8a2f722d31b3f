/** Tables, objects and permissions: what functions reach, and what their policies keep them from. */
import { BatchWriteItemCommand, QueryCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, type InvokeCommandOutput } from "@aws-sdk/client-lambda";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFixture, type Fixture } from "./fixture/running.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture?.[Symbol.asyncDispose]());

/** Lets the function of $default do something. */
async function act<T = { readonly error?: string; readonly message?: string }>(asked: Readonly<Record<string, string>>): Promise<T> {
  const socket = new WebSocket(fixture.aws.url);
  try {
    await new Promise((resolve, reject) => void socket.on("open", resolve).on("error", reject));
    socket.send(JSON.stringify(asked));
    return await new Promise<T>((resolve) => void socket.on("message", (data: Buffer) => resolve(JSON.parse(data.toString("utf8")) as T)));
  } finally {
    socket.terminate();
  }
}

describe("tables", () => {
  it("have the keys and indexes of the template, and conditions and transactions are the engine's", async () => {
    await fixture.put("mine", "query");
    const found = await fixture.dynamodb.send(
      new QueryCommand({
        TableName: fixture.table,
        IndexName: "by_kind",
        KeyConditionExpression: "kind = :kind",
        ExpressionAttributeValues: { ":kind": { S: "query" } },
      }),
    );
    expect(found.Count).toBe(1);
    const again = new TransactWriteItemsCommand({
      TransactItems: [{ Put: { TableName: fixture.table, Item: { pk: { S: "mine" } }, ConditionExpression: "attribute_not_exists(pk)" } }],
    });
    await expect(fixture.dynamodb.send(again)).rejects.toMatchObject({
      name: "TransactionCanceledException",
      CancellationReasons: [{ Code: "ConditionalCheckFailed" }],
    });
  });

  it("count what was asked of them and what it consumed", async () => {
    const before = fixture.aws.dynamodb()[fixture.table]?.["BatchWriteItem"]?.capacityUnits ?? 0;
    const Items = [1, 2, 3].map((n) => ({ PutRequest: { Item: { pk: { S: `batch ${n}` }, kind: { S: "batch" } } } }));
    await fixture.dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [fixture.table]: Items } }));
    const { count, capacityUnits } = fixture.aws.dynamodb()[fixture.table]!["BatchWriteItem"]!;
    expect(count).toBe(1);
    // Three items, each into the table and its index.
    expect(capacityUnits - before).toBe(6);
  });
});

describe("objects", () => {
  it("are stored by functions, and read through the links they sign", async () => {
    const { link } = await act<{ readonly link: string }>({ do: "store", key: "data/täglich/a b.txt", text: "kept" });
    const answer = await fetch(link);
    expect({ status: answer.status, text: await answer.text() }).toEqual({ status: 200, text: "kept" });
    expect((await fetch(link.replace(/Signature=\w{4}/, "Signature=0000"))).status).toBe(403);
    expect((await fetch(link.split("?")[0]!)).status).toBe(403);
  });

  it("can be put and listed by the operator", async () => {
    await fixture.s3.send(new PutObjectCommand({ Bucket: fixture.bucket, Key: "data/shop/orders.csv", Body: "a,b\n1,2\n" }));
    const { Contents } = await fixture.s3.send(new ListObjectsV2Command({ Bucket: fixture.bucket, Prefix: "data/shop/" }));
    expect(Contents).toMatchObject([{ Key: "data/shop/orders.csv", Size: 8 }]);
    const { Body } = await fixture.s3.send(new GetObjectCommand({ Bucket: fixture.bucket, Key: "data/shop/orders.csv" }));
    expect(await Body!.transformToString()).toBe("a,b\n1,2\n");
  });
});

describe("permissions", () => {
  it("of a function's role are all it has", async () => {
    expect(await act<number>({ do: "put", pk: "allowed" })).toBe(200);
    expect(await act({ do: "get", pk: "allowed" })).toMatchObject({ pk: { S: "allowed" } });
    const refused = await act({ do: "scan" });
    expect(refused).toMatchObject({
      error: "AccessDeniedException",
      message: expect.stringMatching(/not authorized to perform: dynamodb:Scan/) as string,
    });
    expect(await act({ do: "store", key: "elsewhere/x", text: "" })).toMatchObject({ error: "AccessDenied" });
    expect(await act<string>({ do: "queue", text: "hello" })).toEqual(expect.any(String));
    expect(await act<number>({ do: "task", payload: "{}" })).toBe(202);
    expect(await act({ do: "look" })).toMatchObject({ Identity: { SourceIp: "127.0.0.1" } });
    expect(fixture.aws.denials.map(({ action }) => action)).toEqual(["dynamodb:Scan", "s3:PutObject"]);
  });

  it("are asked of strangers too", async () => {
    const stranger = new S3Client({
      credentials: { accessKeyId: "AKIA", secretAccessKey: "x" },
      region: "us-east-1",
      endpoint: fixture.aws.endpoints.s3,
    });
    await expect(stranger.send(new GetObjectCommand({ Bucket: fixture.bucket, Key: "x" }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
  });
});

describe("Lambda", () => {
  it("answers an invocation with what the handler returned, or how it failed", async () => {
    const invoke = (FunctionName: string, payload: string): Promise<InvokeCommandOutput> =>
      fixture.lambda.send(new InvokeCommand({ FunctionName, Payload: new TextEncoder().encode(payload) }));
    const task = fixture.functionName("Task");
    const done = await invoke(task, "{}");
    expect({ status: done.StatusCode, payload: new TextDecoder().decode(done.Payload) }).toEqual({ status: 200, payload: '{"done":true}' });
    expect(await invoke(`${task}:live`, '{"fail":true}')).toMatchObject({ StatusCode: 200, FunctionError: "Unhandled" });
    await expect(invoke("nobody", "{}")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await expect(invoke(`${task}:other`, "{}")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await expect(invoke(task, `"${"x".repeat(6_291_456)}"`)).rejects.toMatchObject({ name: "RequestEntityTooLargeException" });
  });
});
