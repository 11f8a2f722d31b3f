/**
 * The AWS engine as the contract's tests want it: real DynamoDB and S3 programs on this machine, tables and a bucket of
 * their own for each test, a clock they move. What AWS does around the engine is done here: a delay queue that outlives
 * processes, the sweep of the minute in which something is due, and the stream that tells of runnable requests.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import S3rver from "@20minutes/s3rver";
import { createManualClock, turnsOfTheLoop, type Harness, type ManualClock } from "@streamer/contract";
import type { Log, RequestKey, Requests } from "@streamer/core";
import { vi } from "vitest";
import { createAwsEngine, type AwsEngine } from "../src/engine.ts";
import { createMetrics, type Metrics } from "../src/functions/metrics.ts";
import type { TableNames } from "../src/dynamodb/table.ts";
import type { DelayedMessage, DelayQueue } from "../src/wakeups.ts";
import { connectDynamoDb, createTables, CREDENTIALS, startDynamoDb, type LocalDynamoDb } from "./dynamodb.ts";
import { startFakeApi, type FakeApi } from "./fake-api.ts";

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Leases of a dead process end with time here: nobody can tell from outside that it died. */
const LONGEST_LEASE_MS = 30_000;
const MINUTE_MS = 60_000;

export interface Cloud {
  readonly dynamodb: LocalDynamoDb;
  readonly client: DynamoDBClient;
  readonly s3: S3Client;
  readonly api: FakeApi;
  readonly bucketFolder: string;
  /** Resolves once no call to any of them is on its way. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** The programs that stand for AWS: started once for a file of tests. */
export async function startCloud(): Promise<Cloud> {
  const dynamodb = await startDynamoDb();
  const api = await startFakeApi();
  const folder = await mkdtemp(join(tmpdir(), "streamer-s3-"));
  const bucketServer = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory: folder });
  const { port } = (await bucketServer.run()) as AddressInfo;
  const client = connectDynamoDb(dynamodb.endpoint);
  const s3 = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: "eu-central-1",
    credentials: CREDENTIALS,
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  let inFlight = 0;
  for (const { middlewareStack } of [client, s3] as { middlewareStack: { add(...values: unknown[]): void } }[]) {
    const counted = (next: (args: unknown) => Promise<unknown>) => async (args: unknown) => {
      inFlight += 1;
      try {
        return await next(args);
      } finally {
        inFlight -= 1;
      }
    };
    middlewareStack.add(counted, { step: "initialize", name: "counted" });
  }
  // This S3 reads a bucket's own path without the slash at its end; AWS takes it either way.
  s3.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { path: string };
      request.path = request.path.replace(/^(\/[^/]+)\/$/, "$1");
      return next(args);
    },
    { step: "build", name: "slashed" },
  );
  return {
    dynamodb,
    client,
    s3,
    api,
    bucketFolder: folder,
    settle: async () => {
      do await turnsOfTheLoop();
      while (inFlight > 0);
    },
    stop: async () => {
      await bucketServer.close();
      await api.stop();
      await dynamodb.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let harnessCount = 0;

export interface AwsHarness extends Harness {
  readonly engine: AwsEngine;
  readonly tables: TableNames;
  /** Another process beside the one that lives. */
  another(processId: string | (() => string), metrics?: Metrics): AwsEngine;
  /** Messages put into the delay queue, and connections whose time it said was over. */
  readonly delayed: readonly DelayedMessage[];
  readonly expired: readonly string[];
}

export async function createHarness({ client, s3, api, settle, bucketFolder }: Cloud): Promise<AwsHarness> {
  harnessCount += 1;
  const bucket = `streamer-${harnessCount}`;
  const tables = await createTables(client, `t${harnessCount}`);
  // Its buckets are folders; asked to make one it reads the signature wrongly.
  await mkdir(join(bucketFolder, bucket));
  // From now, because links are checked by a server that has a clock of its own.
  const clock = createManualClock(Date.now(), settle);
  const listeners = new Set<(key: RequestKey | undefined) => void>();
  const wake = (key: RequestKey): void => {
    for (const listener of listeners) listener(key);
  };
  const expired: string[] = [];
  const delays = createDelays(clock, (message) => {
    if (message.kind === "run") wake(message.key);
    if (message.kind === "expire") expired.push(message.connectionId);
  });
  let lives = 0;
  let life = { isOver: false };

  const engineOf = (processId: string | (() => string), metrics = createMetrics("test", () => {})): AwsEngine => {
    const own = life;
    const engine = createAwsEngine({
      tables,
      bucket,
      epoch: `epoch-${bucket}`,
      dynamodb: mortal(client, own),
      s3: mortal(s3, own),
      api: new ApiGatewayManagementApiClient({
        endpoint: api.endpoint,
        region: "eu-central-1",
        credentials: CREDENTIALS,
      }),
      delayQueue: delays,
      processId: typeof processId === "string" ? () => processId : processId,
      clock,
      log: silent,
      metrics,
    });
    const farAway = async (timeMs: number, key: RequestKey): Promise<void> => {
      await engine.wakeups.at(timeMs, key);
      delays.sweepBefore(timeMs, key);
    };
    return { ...engine, requests: withStream(engine.requests, clock, wake), wakeups: { at: farAway } };
  };
  let engine = engineOf("process-0");

  return {
    get engine() {
      return engine;
    },
    tables,
    clock,
    another: engineOf,
    expired,
    get delayed() {
      return delays.messages();
    },
    restart: async () => {
      api.cutAll();
      life.isOver = true;
      life = { isOver: false };
      lives += 1;
      clock.restart();
      await settle();
      engine = engineOf(`process-${lives}`);
      await clock.advance(LONGEST_LEASE_MS);
      delays.rearm();
    },
    connectClient: async () => api.connect(),
    download: async (url) => {
      // The server that checks the link lives by the time of this process.
      vi.setSystemTime(clock.now());
      try {
        // A bucket that blocks public access shows nothing to whoever has not signed; this one would.
        if (!new URL(url).searchParams.has("X-Amz-Signature")) return { status: 403, bytes: new Uint8Array() };
        const response = await fetch(url);
        return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
      } finally {
        vi.useRealTimers();
      }
    },
    onWake: (listener) => void listeners.add(listener),
    dispose: async () => {
      await settle();
      api.cutAll();
    },
  };
}

/** A client of a process that may die: then what it sends goes nowhere, and what it waits for never comes. */
function mortal<C extends { send(...values: never[]): unknown }>(client: C, life: { readonly isOver: boolean }): C {
  const never = new Promise<never>(() => undefined);
  const send = async (...values: never[]): Promise<unknown> => {
    if (life.isOver) return never;
    const answer = await client.send(...values);
    return life.isOver ? never : answer;
  };
  return new Proxy(client, { get: (target, name, receiver) => (name === "send" ? send : Reflect.get(target, name, receiver)) });
}

/** SQS and the sweep, by the clock of the test. Messages outlive the process that sent them. */
function createDelays(
  clock: ManualClock,
  deliver: (message: DelayedMessage) => void,
): DelayQueue & { sweepBefore(timeMs: number, key: RequestKey): void; rearm(): void; messages(): readonly DelayedMessage[] } {
  let messages: { readonly due: number; readonly message: DelayedMessage }[] = [];
  const arm = (entry: (typeof messages)[number]): void =>
    void clock.after(Math.max(0, entry.due - clock.now()), () => {
      messages = messages.filter((other) => other !== entry);
      deliver(entry.message);
    });
  const add = (due: number, message: DelayedMessage): void => {
    const entry = { due, message };
    messages.push(entry);
    arm(entry);
  };
  return {
    messages: () => messages.map(({ message }) => message),
    send: async (message, delayMs) => add(clock.now() + Math.ceil(delayMs / 1_000) * 1_000, message),
    // Its minute's sweep finds what is further away than a message waits.
    sweepBefore: (timeMs, key) => {
      if (timeMs - clock.now() > 900_000) clock.after(timeMs - clock.now() - MINUTE_MS, () => add(timeMs, { kind: "run", key }));
    },
    rearm: () => {
      for (const entry of messages) arm(entry);
    },
  };
}

/** The table's stream: tells of each write that leaves a request runnable. */
function withStream<R extends Requests>(requests: R, clock: ManualClock, wake: (key: RequestKey) => void): R {
  const told = async (key: RequestKey): Promise<void> => {
    const lookup = await requests.get(key);
    if (lookup.outcome === "found" && lookup.record.status === "PENDING" && lookup.record.runAt <= clock.now()) wake(key);
  };
  return {
    ...requests,
    submit: async (submission) => {
      const outcome = await requests.submit(submission);
      if (outcome.outcome === "created" && !outcome.claim) void told(submission.key);
      return outcome;
    },
    release: async (lease, change) => {
      const written = await requests.release(lease, change);
      if (written.outcome === "written") void told(lease.key);
      return written;
    },
    redrive: async (key, acknowledgment, terms) => {
      const outcome = await requests.redrive(key, acknowledgment, terms);
      if (outcome.outcome === "redriven") void told(key);
      return outcome;
    },
    recover: async (terms) => {
      const recoveries = await requests.recover(terms);
      for (const { key, outcome } of recoveries) if (outcome === "returned") void told(key);
      return recoveries;
    },
  };
}
