/** Streamer's own metrics, which the functions write to their logs in CloudWatch's embedded metric format. */
import { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";

const NAMESPACE = "Streamer";

export type StreamerMetric =
  | "Requests"
  | "Completed"
  | "Failed"
  | "Retried"
  | "Cancelled"
  | "DeadLetters"
  | "Recovered"
  | "Pushes"
  | "PushGone"
  | "PushThrottled"
  | "QueueMs"
  | "RunMs";

export function streamerMetric(metricName: StreamerMetric, statistic = "Sum", period = Duration.minutes(1)): Metric {
  return new Metric({ namespace: NAMESPACE, metricName, statistic, period });
}
