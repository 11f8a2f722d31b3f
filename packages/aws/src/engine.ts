/** The AWS engine: every port over the tables, the bucket, the delay queue and the API's connections. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Clock, Engine, Log } from "@streamer/core";
import { systemChance, type Chance } from "./chance.ts";
import { createAnswers, type StoredAnswers } from "./answers.ts";
import { createBlobs } from "./blobs.ts";
import { createChannel } from "./channel.ts";
import { createConnections, type StoredConnections } from "./connections.ts";
import { createEvents } from "./events.ts";
import { hashOf } from "./dynamodb/keys.ts";
import { createMarks, type Marks } from "./dynamodb/marks.ts";
import { createItems, type Items } from "./dynamodb/items.ts";
import { withLastWord } from "./last-word.ts";
import { createLinkMarks } from "./link-marks.ts";
import { createLimits, type Limits } from "./requests/limits.ts";
import { createStored } from "./requests/stored.ts";
import { createStoredOf } from "./requests/stored-of.ts";
import { metered, type Metrics } from "./functions/metrics.ts";
import { createObjects } from "./s3/objects.ts";
import { createPlaces, type Places } from "./places.ts";
import { createRequests, type DynamoRequests } from "./requests.ts";
import type { RequestRow } from "./requests/rows.ts";
import { createWaitingOf } from "./requests/waiting-of.ts";
import { createRunTimes } from "./run-times.ts";
import { createStore } from "./dynamodb/store.ts";
import { withStorageErrors } from "./storage-errors.ts";
import { createSubscriptions, type StoredSubscriptions } from "./subscriptions.ts";
import type { TableNames } from "./dynamodb/table.ts";
import { createValues } from "./dynamodb/values.ts";
import { createWakeups, type DelayQueue } from "./wakeups.ts";

export interface EngineParts {
  readonly tables: TableNames;
  readonly bucket: string;
  readonly epoch: string;
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly api: ApiGatewayManagementApiClient;
  readonly delayQueue: DelayQueue;
  /** Names the process that leases and holds belong to: on Lambda the invocation. */
  readonly processId: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** For runs that are repeated: replacements for chance, and for the time between two tries. */
  readonly chance?: Chance;
  readonly pause?: (ms: number) => Promise<void>;
}

export interface AwsEngine extends Engine {
  readonly requests: DynamoRequests;
  readonly answers: StoredAnswers;
  readonly connections: StoredConnections;
  readonly places: Places;
  /** The table of what is counted. */
  readonly counts: Items;
  readonly subscriptions: StoredSubscriptions;
  readonly limits: Limits;
  readonly marks: Marks;
  readonly delayQueue: DelayQueue;
  readonly makeId: () => string;
}

export function createAwsEngine(parts: EngineParts): AwsEngine {
  const { tables, clock, log, metrics, delayQueue, processId, chance = systemChance, pause = (ms) => wait(ms) } = parts;
  const dynamodb = withStorageErrors(parts.dynamodb);
  const table = (name: keyof TableNames) => createItems(dynamodb, tables[name]);
  const requests = table("requests");
  const objects = createObjects(parts.s3, parts.bucket, clock);
  const limits = createLimits({
    items: table("limits"),
    now: () => clock.now(),
    random: chance.random,
    isRunning: async ({ pk, attempt }) => {
      const row = await requests.get<Pick<RequestRow, "status" | "attempt">>({ pk }, ["status", "attempt"]);
      return row?.status === "PROCESSING" && row.attempt === attempt;
    },
    waitingOf: createWaitingOf(requests),
  });
  const places = createPlaces({ limits: table("limits"), connections: table("connections"), now: () => clock.now() });
  const store = createStore({
    client: dynamodb,
    processId,
    clock,
    chance,
    requests,
    events: table("events"),
    limits,
    stored: createStored({
      items: table("limits"),
      requests,
      storedOf: createStoredOf(requests),
      now: () => clock.now(),
      log,
    }),
    values: createValues(objects, chance.makeId),
    pause,
  });
  const subscriptions = createSubscriptions({
    items: table("subscriptions"),
    processId,
    clock,
    makeId: chance.makeId,
    tellLater: (key, delayMs) => delayQueue.send({ kind: "tell", key }, delayMs),
    endOf: async (key) => {
      const row = await store.read(key, ["seq", "ended_at"]);
      return row && { seq: row.seq, hasEnded: row.ended_at !== undefined };
    },
  });
  const told = withLastWord({ requests: createRequests(store), subscriptions, log });
  return {
    epoch: parts.epoch,
    requests: metered(told.requests, metrics),
    answers: createAnswers({
      items: table("limits"),
      clock,
      makeId: chance.makeId,
      lookLater: (key, delayMs) => delayQueue.send({ kind: "answer", key }, delayMs),
    }),
    runTimes: createRunTimes(table("limits")),
    events: createEvents(store),
    subscriptions: told.subscriptions,
    marks: createMarks(table("limits")),
    connections: createConnections({ items: table("connections"), places, makeId: chance.makeId }),
    places,
    counts: table("limits"),
    channel: createChannel(parts.api, metrics, chance.makeId),
    blobs: createBlobs(objects, store, createLinkMarks(table("limits"), chance.makeSecret)),
    wakeups: createWakeups(delayQueue, clock),
    limits,
    delayQueue,
    makeId: chance.makeId,
    clock,
    log,
    digest: hashOf,
    scratch: async () => {
      const path = await mkdtemp(join(tmpdir(), "streamer-run-"));
      return { path, remove: () => rm(path, { recursive: true, force: true }) };
    },
  };
}
