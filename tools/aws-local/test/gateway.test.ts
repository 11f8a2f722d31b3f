/** The WebSocket gateway: event shapes, refusals, limits, the @connections API, and the faults it can be told to have. */
import { DeleteConnectionCommand, GetConnectionCommand, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";
import { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startFixture, type Fixture } from "./fixture/running.ts";

let fixture: Fixture;
/** Turned while the gateway runs. */
const faults = { pushDelayMs: 0, dropEvery: 0, throttleEvery: 0, silentDisconnect: false };
beforeAll(async () => {
  fixture = await startFixture({ dials: { gateway: { integrationMs: 4_000, faults } } });
});
afterAll(() => fixture?.[Symbol.asyncDispose]());

interface Client {
  readonly socket: WebSocket;
  readonly received: string[];
  readonly closed: Promise<number>;
  ask<T>(what: object | string): Promise<T>;
  next(count: number): Promise<string>;
}
const open: WebSocket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.terminate();
});

async function connect(query = "", protocols: readonly string[] = [], headers = {}): Promise<Client> {
  const socket = new WebSocket(fixture.aws.url + query, [...protocols], { headers });
  open.push(socket);
  const received: string[] = [];
  socket.on("message", (data: Buffer) => received.push(data.toString("utf8")));
  const closed = new Promise<number>((resolve) => void socket.on("close", resolve));
  await new Promise<void>((resolve, reject) => void socket.on("open", resolve).on("error", reject));
  const next = async (count: number): Promise<string> => {
    await expect.poll(() => received.length, { timeout: 100_000, interval: 10 }).toBeGreaterThanOrEqual(count);
    return received[count - 1]!;
  };
  return {
    socket,
    received,
    closed,
    next,
    ask: async <T>(what: object | string) => {
      const count = received.length + 1;
      socket.send(typeof what === "string" ? what : JSON.stringify(what));
      return JSON.parse(await next(count)) as T;
    },
  };
}
const idOf = async (client: Client): Promise<string> =>
  (await client.ask<{ requestContext: { connectionId: string } }>("who am I")).requestContext.connectionId;

describe("connecting", () => {
  it("invokes $connect with headers, query and identity, and selects the subprotocol it names", async () => {
    const client = await connect("?token=abc&token=def", ["first", "second"], { "X-Mine": "1" });
    expect(client.socket.protocol).toBe("first");
    const [{ event }] = (await fixture.notes<{ readonly event: object }>("connect")) as [{ readonly event: object }];
    expect(event).toMatchObject({
      headers: { "X-Mine": "1", "Sec-WebSocket-Protocol": "first,second", Host: expect.stringMatching(/^127\.0\.0\.1:/) as string },
      multiValueHeaders: { "X-Mine": ["1"] },
      queryStringParameters: { token: "def" },
      multiValueQueryStringParameters: { token: ["abc", "def"] },
      isBase64Encoded: false,
      requestContext: {
        routeKey: "$connect",
        eventType: "CONNECT",
        messageDirection: "IN",
        stage: "live",
        identity: { sourceIp: "127.0.0.1" },
      },
    });
  });

  it("is refused with the status the function answers, 500 when it fails, 403 away from the stage", async () => {
    await expect(connect("?status=403")).rejects.toThrow(/403/);
    await expect(connect("?fail=1")).rejects.toThrow(/500/);
    await expect(connect("/elsewhere")).rejects.toThrow(/403/);
  });

  it("is not complete while $connect runs: a push is answered with 410", async () => {
    await connect("?push=1");
    await expect
      .poll(async () => JSON.stringify(await fixture.notes("connect")), { timeout: 100_000 })
      .toContain('"pushed":"GoneException"');
  });
});

describe("a message", () => {
  it("invokes $default with its text and context, and is answered by a push", async () => {
    const client = await connect();
    expect(await client.ask("hello")).toMatchObject({
      echo: "hello",
      requestContext: { routeKey: "$default", eventType: "MESSAGE", messageId: expect.any(String) as string, stage: "live" },
    });
  });

  it("whose function fails or takes too long is answered with the gateway's own words", async () => {
    const client = await connect();
    for (const what of ["fail", "hang"]) {
      const answer = await client.ask({ do: what });
      expect(answer).toEqual({
        message: "Internal server error",
        connectionId: expect.any(String) as string,
        requestId: expect.any(String) as string,
      });
    }
  });

  it("may have 128 KB in frames of 32 KB; more closes the connection with 1009, a binary one with 1003", async () => {
    const split = await connect();
    for (let n = 0; n < 4; n += 1) split.socket.send("x".repeat(32_000), { fin: n === 3 });
    expect((JSON.parse(await split.next(1)) as { echo: string }).echo).toHaveLength(128_000);
    const tooLong = await connect();
    for (let n = 0; n < 5; n += 1) tooLong.socket.send("x".repeat(32_000), { fin: n === 4 });
    const frameTooLarge = await connect();
    frameTooLarge.socket.send("x".repeat(32_769));
    const binary = await connect();
    binary.socket.send(Buffer.from("bytes"));
    expect(await Promise.all([tooLong, frameTooLarge, binary].map(({ closed }) => closed))).toEqual([1009, 1009, 1003]);
  });
});

describe("@connections", () => {
  it("looks, pushes and closes; $disconnect is told why", async () => {
    const client = await connect();
    const ConnectionId = await idOf(client);
    const seen = await fixture.management.send(new GetConnectionCommand({ ConnectionId }));
    expect(seen).toMatchObject({ Identity: { SourceIp: "127.0.0.1" } });
    expect(seen.LastActiveAt!.getTime()).toBeGreaterThanOrEqual(seen.ConnectedAt!.getTime());
    await fixture.management.send(new PostToConnectionCommand({ ConnectionId, Data: "pushed" }));
    expect(await client.next(2)).toBe("pushed");
    await fixture.management.send(new DeleteConnectionCommand({ ConnectionId }));
    expect(await client.closed).toBe(1000);
    const ends = await fixture.notes<{ readonly requestContext: { readonly connectionId: string } }>("disconnect");
    await expect.poll(async () => JSON.stringify(await fixture.notes("disconnect")), { timeout: 100_000 }).toContain(ConnectionId);
    expect(ends[0]).toMatchObject({ requestContext: { routeKey: "$disconnect", eventType: "DISCONNECT" } });
  });

  it("answers 410 for who is gone and 413 for what is too large", async () => {
    const client = await connect();
    const ConnectionId = await idOf(client);
    const push = (size: number): Promise<unknown> =>
      fixture.management.send(new PostToConnectionCommand({ ConnectionId, Data: "x".repeat(size) }));
    await push(131_072);
    await expect(push(131_073)).rejects.toMatchObject({ name: "PayloadTooLargeException", $metadata: { httpStatusCode: 413 } });
    client.socket.close();
    await client.closed;
    await expect.poll(() => push(1).catch((error: Error) => error.name)).toBe("GoneException");
    expect(await (await connect()).ask({ do: "push", id: ConnectionId, size: "1" })).toMatchObject({ error: "GoneException" });
  });
});

it("faults by dial: pushes throttled, dropped and late as asked, and no $disconnect", async () => {
  const client = await connect();
  const ConnectionId = await idOf(client);
  const push = async (Data: string): Promise<string> => {
    const begun = Date.now();
    return fixture.management.send(new PostToConnectionCommand({ ConnectionId, Data })).then(
      () => (Date.now() - begun >= 45 ? "late" : "soon"),
      (error: Error) => error.name,
    );
  };
  Object.assign(faults, { throttleEvery: 1 });
  expect(await push("refused")).toBe("LimitExceededException");
  Object.assign(faults, { throttleEvery: 0, dropEvery: 1 });
  await push("dropped");
  Object.assign(faults, { dropEvery: 0, pushDelayMs: 50, silentDisconnect: true });
  expect(await push("arrives")).toBe("late");
  expect(await client.next(2)).toBe("arrives");
  client.socket.close();
  await client.closed;
  await expect.poll(() => push("to nobody")).toBe("GoneException");
  // A connection that is told of after it was gone: what came before it has arrived.
  Object.assign(faults, { silentDisconnect: false });
  const next = await connect();
  const nextId = await idOf(next);
  next.socket.close();
  const told = async (): Promise<string> => JSON.stringify(await fixture.notes("disconnect"));
  await expect.poll(told, { timeout: 100_000 }).toContain(nextId);
  expect(await told()).not.toContain(ConnectionId);
});
