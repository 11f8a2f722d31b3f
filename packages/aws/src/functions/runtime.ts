/**
 * What lives as long as a Lambda environment: clients, engine and flow, made when the function is loaded and used by one
 * invocation after another. An invocation is a process of its own to leases and followers: its name is the invocation's,
 * and nothing of it is left running, held or untold when it ends, because the environment is frozen then.
 */
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Context } from "aws-lambda";
import { asError, createStreamer, type AnyHandler, type Clock, type Log, type PartialOptions, type Streamer } from "@streamer/core";
import { API_GATEWAY_LIMITS } from "@streamer/protocol";
import { meterCapacity } from "../dynamodb/capacity.ts";
import { systemChance } from "../chance.ts";
import { systemClock } from "../clock.ts";
import { createAwsEngine, type AwsEngine, type EngineParts } from "../engine.ts";
import { createLog } from "../log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createPace, type Pace } from "../pace.ts";
import type { Environment } from "./settings.ts";
import { createDelayQueue } from "../wakeups.ts";

export interface Runtime {
  readonly engine: AwsEngine;
  readonly streamer: Streamer;
  readonly log: Log;
  readonly metrics: Metrics;
  /**
   * Runs one invocation. When its time is nearly over, what still runs is handed back within `graceMs`; what others may
   * have to tell is handed over at its end.
   */
  invoke<T>(context: Context, terms: InvocationTerms, body: () => Promise<T>): Promise<T>;
}

/** What answers frames, too. */
export interface AnsweringRuntime extends Runtime {
  readonly pace: Pace;
}

/** A function that answers frames leaves what is queued to `work`, which runs one request at a time. */
export type RuntimeSlots = { readonly takesQueued: false } | { readonly takesQueued: true; readonly inlineSlots: number };

interface InvocationTerms {
  /** Before the end of the function's time. */
  readonly handBackMs: number;
  readonly graceMs: number;
  /** See Streamer.handBack. */
  readonly requireCheckpoint: boolean;
}

/** Well within the silence API Gateway allows: each ping costs two messages and an invocation. */
const HEARTBEAT_MS = 240_000;
/** A second without a write costs as much as the write that asks whether to go on (docs/deploy-aws.md, "Cost"). */
const RENEW_MS = 1_000;
/** Where a deployment says nothing else: ours says a quarter of what the stage lets through (apps/infra, environment.ts). */
const MESSAGES_PER_SECOND = 250;
/** A link lives no longer than the credentials that signed it. */
const LINK_MS = 3_600_000;
/** Quick retries of a throttled call are free, a lost one is not. */
export const MAX_ATTEMPTS = 6;

export interface RuntimeParts {
  readonly handlers: readonly AnyHandler[];
  /** What operators chose; the rest is what suits functions. */
  readonly options: PartialOptions;
  readonly slots: RuntimeSlots;
  readonly engine: Omit<EngineParts, "processId">;
}

/** The runtime over the services it is given. */
export function assembleRuntime({ handlers, options, slots, engine: parts }: RuntimeParts): AnsweringRuntime {
  const { log, metrics, clock, chance = systemChance } = parts;
  let invocationId = "";
  const engine = createAwsEngine({ ...parts, processId: () => invocationId });
  const { random, makeId } = chance;
  const chosen = defaults(options);
  const streamer = createStreamer({ handlers, engine, options: { ...chosen, ...slots }, random, makeId });
  const perSecond = chosen.admission.messagesPerSecondPerUser;
  const pace = createPace({ items: engine.counts, clock, random, perSecond });
  const begin = (context: Context): void => {
    invocationId = context.awsRequestId;
  };
  return { engine, streamer, pace, log, metrics, invoke: createInvoke({ streamer, log, metrics, clock, begin }) };
}

export function createRuntime(handlers: readonly AnyHandler[], environment: Environment, slots: RuntimeSlots): AnsweringRuntime {
  const write = (line: string): void => void process.stdout.write(line);
  const metrics = createMetrics(environment.functionName, write);
  const retries = { maxAttempts: MAX_ATTEMPTS };
  return assembleRuntime({
    handlers,
    options: environment.options,
    slots,
    engine: {
      ...environment,
      dynamodb: meterCapacity(new DynamoDBClient(retries), metrics),
      s3: new S3Client({ ...retries, forcePathStyle: environment.pathStyle }),
      api: new ApiGatewayManagementApiClient({ ...retries, endpoint: environment.pushEndpoint }),
      delayQueue: createDelayQueue(new SQSClient(retries), environment.delayQueueUrl),
      clock: systemClock,
      log: createLog(environment.logLevel, write),
      metrics,
    },
  });
}

interface InvokeParts {
  readonly streamer: Streamer;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly begin: (context: Context) => void;
}

export function createInvoke({ streamer, log, metrics, clock, begin }: InvokeParts): Runtime["invoke"] {
  return async (context, { handBackMs, graceMs, requireCheckpoint }, body) => {
    begin(context);
    const callOff = clock.after(Math.max(0, context.getRemainingTimeInMillis() - handBackMs), () => {
      log.warn({ invocation: context.awsRequestId }, "the function's time is nearly over: what runs is handed back");
      streamer
        .handBack(graceMs, { requireCheckpoint })
        .catch((error: unknown) => log.error({ err: asError(error) }, "what runs could not be handed back; its leases end"));
    });
    try {
      const answer = await body();
      await streamer.settled();
      return answer;
    } finally {
      callOff();
      await streamer.handOver();
      metrics.flush(clock.now());
    }
  };
}

function defaults(options: PartialOptions) {
  const frames = { messageBytes: API_GATEWAY_LIMITS.messageBytes, ...options.frames };
  const rates = { messagesPerSecond: MESSAGES_PER_SECOND, messagesPerSecondPerUser: MESSAGES_PER_SECOND };
  return {
    linkMs: LINK_MS,
    renewMs: RENEW_MS,
    heartbeatMs: HEARTBEAT_MS,
    ...options,
    frames,
    admission: { ...rates, ...options.admission },
  };
}
