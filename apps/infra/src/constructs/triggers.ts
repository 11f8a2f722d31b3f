/**
 * What starts functions beside API Gateway: the stream of the requests table, the two queues, the clock. Every one of
 * them delivers at least once and some twice; the functions are written for that.
 */
import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { EventSourceMapping, StartingPosition, type IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { RUNNABLE_FILTER } from "@streamer/aws/table";

/** Records handed to `dispatch` at once: it only starts work, about 10 ms each. */
const FEED_BATCH = 100;
/** Batches of one shard at once. Order is kept per request, which is all that matters. */
const FEED_LANES = 2;
/** Both are endless by default, and a record that cannot be handled would then hold up its shard for a day. */
const FEED_RETRIES = 5;
/** The sweep has found the request by then. */
const FEED_MAX_AGE = Duration.minutes(15);
const QUEUE_BATCH = 10;

export interface TriggersProps {
  readonly streamArn: string;
  readonly queues: { readonly delay: IQueue; readonly failed: IQueue; readonly parked: IQueue };
  readonly dispatch: IFunction;
  readonly wake: IFunction;
  readonly sweep: IFunction;
}

export class Triggers extends Construct {
  constructor(scope: Construct, id: string, { streamArn, queues, dispatch, wake, sweep }: TriggersProps) {
    super(scope, id);
    new EventSourceMapping(this, "Feed", {
      target: dispatch,
      eventSourceArn: streamArn,
      // From the oldest record: what was written while the mapping did not exist yet is found too.
      startingPosition: StartingPosition.TRIM_HORIZON,
      filters: [{ pattern: JSON.stringify(RUNNABLE_FILTER) }],
      batchSize: FEED_BATCH,
      maxBatchingWindow: Duration.seconds(0),
      parallelizationFactor: FEED_LANES,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      retryAttempts: FEED_RETRIES,
      maxRecordAge: FEED_MAX_AGE,
      // Its right to send is in permissions.ts.
      onFailure: { bind: () => ({ destination: queues.parked.queueArn }) },
    });
    for (const [name, queue] of [
      ["Delay", queues.delay],
      ["Failed", queues.failed],
    ] as const) {
      new EventSourceMapping(this, name, {
        target: wake,
        eventSourceArn: queue.queueArn,
        batchSize: QUEUE_BATCH,
        maxBatchingWindow: Duration.seconds(0),
        reportBatchItemFailures: true,
      });
    }
    new Rule(this, "EveryMinute", {
      description: "Streamer's sweep: the net under streams and queues.",
      schedule: Schedule.rate(Duration.minutes(1)),
      // A sweep that failed is followed by the next one: repeating it would only run two at a time.
      targets: [new LambdaFunction(sweep, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
  }
}
