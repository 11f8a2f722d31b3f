/**
 * What somebody should be told about. Each alarm means that something is lost, stuck or slow now, and its text says
 * where to look; what the system repairs by itself is on the dashboard instead.
 */
import { Duration } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, MathExpression, Metric, TreatMissingData, type IMetric } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { TableName } from "@streamer/aws/table";
import { FUNCTION_NAMES, type FunctionName } from "../functions.ts";
import { streamerMetric } from "../metrics.ts";
import { indexesOf, TABLE_NAMES } from "./tables.ts";

const MINUTE = Duration.minutes(1);

/** Slower than this, for the slowest in a hundred, and people notice. Sync requests may take 5 s by themselves. */
const P99_MS: Readonly<Partial<Record<FunctionName, number>>> = { connect: 3_000, message: 10_000, dispatch: 10_000, sweep: 45_000 };
/** A stream record is handed on within a second; the sweep covers for it after a minute. */
const ITERATOR_AGE_MS = 60_000;
/** Emptied within seconds, unless `wake` itself fails. */
const FAILED_DEPTH = 10;
const ERRORS = 5;
/** Of the invocations reserved for a function: what is left is taken in a moment. */
const NEARLY_ALL = 0.8;

export interface AlarmsProps {
  readonly functions: Readonly<Record<FunctionName, IFunction>>;
  readonly tables: Readonly<Record<TableName, Table>>;
  readonly queues: { readonly failed: IQueue; readonly parked: IQueue };
  /** Invocations at once that are reserved for a function; 0 for none. */
  readonly reserved: Readonly<Partial<Record<FunctionName, number>>>;
  /** Alarms that are made elsewhere and told about like the others. */
  readonly others: readonly Alarm[];
  /** Where alarms go. Without it they only show in the console. */
  readonly topicArn: string | undefined;
}

interface Rule {
  readonly threshold: number;
  /** Minutes in a row. Default 1. */
  readonly minutes?: number;
  readonly text: string;
}

export class Alarms extends Construct {
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, { functions, tables, queues, reserved, others, topicArn }: AlarmsProps) {
    super(scope, id);
    const alarms: Alarm[] = [...others];
    const alarm = (name: string, metric: IMetric, { threshold, minutes = 1, text }: Rule): void => {
      alarms.push(
        new Alarm(this, name, {
          metric,
          threshold,
          evaluationPeriods: minutes,
          comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
          // Silence is no news: a function that nobody called has no duration.
          treatMissingData: TreatMissingData.NOT_BREACHING,
          alarmDescription: text,
        }),
      );
    };

    for (const name of FUNCTION_NAMES) {
      const target = functions[name];
      alarm(`${name}-errors`, target.metricErrors({ period: MINUTE }), {
        threshold: ERRORS,
        minutes: 2,
        text: `${name} fails or times out. Look into its log group for level error.`,
      });
      alarm(`${name}-throttles`, target.metricThrottles({ period: MINUTE }), {
        threshold: 1,
        minutes: 5,
        text: `${name} is refused by Lambda: raise the account's concurrency, or ${name}Concurrency where that is reserved.`,
      });
      const concurrency = reserved[name] ?? 0;
      if (concurrency > 0)
        alarm(`${name}-concurrency`, target.metric("ConcurrentExecutions", { period: MINUTE, statistic: "Maximum" }), {
          threshold: Math.ceil(concurrency * NEARLY_ALL),
          minutes: 5,
          text: `${name} runs nearly as often at once as ${name}Concurrency lets it: raise it, or look who sends so much.`,
        });
      const p99Ms = P99_MS[name];
      if (p99Ms !== undefined)
        alarm(`${name}-p99`, target.metricDuration({ period: MINUTE, statistic: "p99" }), {
          threshold: p99Ms,
          minutes: 5,
          text: `${name} is slow: compare cold starts, DynamoDB latency and throttles on the dashboard.`,
        });
    }
    alarm("iterator-age", functions.dispatch.metric("IteratorAge", { period: MINUTE, statistic: "Maximum" }), {
      threshold: ITERATOR_AGE_MS,
      minutes: 3,
      text: "Requests that became runnable wait in the stream: dispatch fails, is throttled, or has too much to do.",
    });
    alarm("parked", queues.parked.metricApproximateNumberOfMessagesVisible({ period: MINUTE, statistic: "Maximum" }), {
      threshold: 1,
      text: "Something could not be handled and was parked. The sweep runs its request; read the messages for the reason.",
    });
    alarm("failed", queues.failed.metricApproximateNumberOfMessagesVisible({ period: MINUTE, statistic: "Maximum" }), {
      threshold: FAILED_DEPTH,
      minutes: 5,
      text: "Runs that died are not taken back by wake: their requests wait for the end of their leases.",
    });
    alarm("dead-letters", streamerMetric("DeadLetters"), {
      threshold: 1,
      text: "Requests ended as dead letters. List them with status FAILED, and retry them when the cause is gone.",
    });
    for (const name of TABLE_NAMES) {
      for (const kind of ["Read", "Write"] as const) {
        alarm(`${name}-${kind.toLowerCase()}-throttles`, throttles(tables[name], name, kind), {
          threshold: 1,
          minutes: 5,
          text: `DynamoDB refuses ${kind.toLowerCase()}s of ${name} or one of its indexes: a hot partition, or a table grown too fast.`,
        });
      }
    }

    if (topicArn !== undefined) {
      const action = new SnsAction(Topic.fromTopicArn(this, "Topic", topicArn));
      for (const each of alarms) {
        each.addAlarmAction(action);
        each.addOkAction(action);
      }
    }
    this.all = alarms;
  }
}

/** Of a table and all its indexes: an index that is throttled holds up the table's writes. */
export function throttles(table: Table, name: TableName, kind: "Read" | "Write"): IMetric {
  const metric = (index?: string): Metric =>
    new Metric({
      namespace: "AWS/DynamoDB",
      metricName: `${kind}ThrottleEvents`,
      dimensionsMap: { TableName: table.tableName, ...(index !== undefined && { GlobalSecondaryIndexName: index }) },
      statistic: "Sum",
      period: MINUTE,
    });
  const parts = [metric(), ...indexesOf(name).map(metric)];
  const usingMetrics = Object.fromEntries(parts.map((part, index) => [`${name}${kind}${index}`, part]));
  const names = Object.keys(usingMetrics);
  return new MathExpression({
    // A metric that has never been written is missing rather than zero, and would make the sum missing too.
    expression: names.map((each) => `FILL(${each}, 0)`).join(" + "),
    usingMetrics,
    label: `${name} ${kind.toLowerCase()}s`,
    period: MINUTE,
  });
}
