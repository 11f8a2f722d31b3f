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
import { asError, createStreamer, type AnyHandler, type Log, type PartialOptions, type Streamer } from "@streamer/core";
import { systemClock } from "./clock.ts";
import { createAwsEngine, type AwsEngine } from "./engine.ts";
import { createLog } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { Environment } from "./settings.ts";
import { createDelayQueue } from "./wakeups.ts";

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

export interface InvocationTerms {
  /** Before the end of the function's time. */
  readonly handBackMs: number;
  readonly graceMs: number;
  /** See Streamer.handBack. */
  readonly requireCheckpoint: boolean;
}

/** Longest frame API Gateway takes from a client: a larger one it ends the connection for, so it is refused before. */
const MESSAGE_BYTES = 32_768;
/** A second without a write costs as much as the write that asks whether to go on (docs/deploy-aws.md, "Cost"). */
const RENEW_MS = 1_000;
/** A link lives no longer than the credentials that signed it. */
const LINK_MS = 3_600_000;
/** Quick retries of a throttled call are free, a lost one is not. */
const MAX_ATTEMPTS = 6;

export function createRuntime(handlers: readonly AnyHandler[], environment: Environment, inlineSlots: number): Runtime {
  const write = (line: string): void => void process.stdout.write(line);
  const log = createLog(environment.logLevel, write);
  const metrics = createMetrics(environment.functionName, write);
  const retries = { maxAttempts: MAX_ATTEMPTS };
  let invocationId = "";
  const engine = createAwsEngine({
    ...environment,
    dynamodb: new DynamoDBClient(retries),
    s3: new S3Client({ ...retries, forcePathStyle: environment.pathStyle }),
    api: new ApiGatewayManagementApiClient({ ...retries, endpoint: environment.pushEndpoint }),
    delayQueue: createDelayQueue(new SQSClient(retries), environment.delayQueueUrl),
    processId: () => invocationId,
    clock: systemClock,
    log,
    metrics,
  });
  const streamer = createStreamer({ handlers, engine, options: { ...defaults(environment.options), inlineSlots } });

  return {
    engine,
    streamer,
    log,
    metrics,
    invoke: async (context, { handBackMs, graceMs, requireCheckpoint }, body) => {
      invocationId = context.awsRequestId;
      const callOff = systemClock.after(Math.max(0, context.getRemainingTimeInMillis() - handBackMs), () => {
        log.warn({ request_id: context.awsRequestId }, "the function's time is nearly over: what runs is handed back");
        void streamer
          .handBack(graceMs, { requireCheckpoint })
          .catch((error: unknown) => log.error({ err: asError(error) }, "nothing could be handed back"));
      });
      try {
        const answer = await body();
        await streamer.settled();
        return answer;
      } finally {
        callOff();
        await streamer.handOver();
        metrics.flush(systemClock.now());
      }
    },
  };
}

function defaults(options: PartialOptions): PartialOptions {
  return { linkMs: LINK_MS, renewMs: RENEW_MS, ...options, frames: { messageBytes: MESSAGE_BYTES, ...options.frames } };
}
