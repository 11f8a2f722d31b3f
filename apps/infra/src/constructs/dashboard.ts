/** One page to look at: what people ask for, how long it takes, what the parts do, what is stuck. */
import {
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  Metric,
  AlarmStatusWidget,
  PeriodOverride,
  type Alarm,
  type IMetric,
} from "aws-cdk-lib/aws-cloudwatch";
import type { WebSocketApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { Duration } from "aws-cdk-lib";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { TableName } from "@streamer/aws/table";
import { FUNCTION_NAMES, type FunctionName } from "../functions.ts";
import { streamerMetric, type StreamerMetric } from "../metrics.ts";
import { throttles } from "./alarms.ts";
import { TABLE_NAMES } from "./tables.ts";

export interface DashboardProps {
  readonly stage: string;
  readonly api: WebSocketApi;
  readonly functions: Readonly<Record<FunctionName, IFunction>>;
  readonly tables: Readonly<Record<TableName, Table>>;
  readonly queues: Readonly<Record<"delay" | "failed" | "parked", IQueue>>;
  readonly alarms: readonly Alarm[];
}

const PERIOD = Duration.minutes(1);
/** Of the 24 columns of a dashboard. */
const WIDTH = 8;

export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { stage, api, functions, tables, queues, alarms }: DashboardProps) {
    super(scope, id);
    const graph = (title: string, left: readonly IMetric[]): GraphWidget =>
      new GraphWidget({ title, left: [...left], width: WIDTH, period: PERIOD });
    const streamer = (...names: readonly StreamerMetric[]): readonly Metric[] =>
      names.map((name) => streamerMetric(name).with({ label: name }));
    const spread = (name: StreamerMetric): readonly Metric[] =>
      ["p50", "p90", "p99"].map((statistic) => streamerMetric(name, statistic).with({ label: statistic }));
    const each = (metric: (target: IFunction) => Metric): readonly Metric[] =>
      FUNCTION_NAMES.map((name) => metric(functions[name]).with({ label: name }));
    const apiMetric = (metricName: string, statistic: string): Metric =>
      new Metric({
        namespace: "AWS/ApiGateway",
        metricName,
        dimensionsMap: { ApiId: api.apiId, Stage: stage },
        statistic,
        period: PERIOD,
        label: metricName,
      });
    const tableMetric = (metricName: string): readonly Metric[] =>
      TABLE_NAMES.map((name) => tables[name].metric(metricName, { statistic: "Sum", period: PERIOD, label: name }));

    new CloudWatchDashboard(this, "Page", {
      dashboardName: `streamer-${stage}`,
      periodOverride: PeriodOverride.AUTO,
      defaultInterval: Duration.hours(3),
      widgets: [
        [new AlarmStatusWidget({ title: "Alarms", alarms: [...alarms], width: 3 * WIDTH, height: 3 })],
        [
          graph("Requests", streamer("Requests", "Completed", "Failed", "Retried", "Cancelled")),
          graph("Waiting for a run, ms", spread("QueueMs")),
          graph("Runs, ms", spread("RunMs")),
        ],
        [
          graph("Lost and found", streamer("DeadLetters", "Recovered", "PushGone", "PushThrottled")),
          graph("Socket", [
            apiMetric("ConnectCount", "Sum"),
            apiMetric("MessageCount", "Sum"),
            apiMetric("ClientError", "Sum"),
            apiMetric("ExecutionError", "Sum"),
            ...streamer("Pushes"),
          ]),
          graph("Answers of the integration, p99 ms", [apiMetric("IntegrationLatency", "p99")]),
        ],
        [
          graph(
            "Invocations",
            each((target) => target.metricInvocations({ period: PERIOD })),
          ),
          graph(
            "Errors",
            each((target) => target.metricErrors({ period: PERIOD })),
          ),
          graph(
            "Duration, p99 ms",
            each((target) => target.metricDuration({ period: PERIOD, statistic: "p99" })),
          ),
        ],
        [
          graph(
            "Running at once",
            each((target) => target.metric("ConcurrentExecutions", { period: PERIOD, statistic: "Maximum" })),
          ),
          graph("Stream, age of the oldest record in ms", [
            functions.dispatch.metric("IteratorAge", { period: PERIOD, statistic: "Maximum" }),
          ]),
          graph(
            "Queues",
            (["delay", "failed", "parked"] as const).map((name) =>
              queues[name].metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: "Maximum", label: name }),
            ),
          ),
        ],
        [
          graph("Read units", tableMetric("ConsumedReadCapacityUnits")),
          graph("Write units", tableMetric("ConsumedWriteCapacityUnits")),
          graph(
            "DynamoDB throttles",
            TABLE_NAMES.flatMap((name) => [throttles(tables[name], name, "Read"), throttles(tables[name], name, "Write")]),
          ),
        ],
      ],
    });
  }
}
