/** Rules that run at a rate: each invokes its targets asynchronously, with the event that EventBridge sends. */
import { randomUUID } from "node:crypto";
import type { SchedulePlan } from "./assembly/sources.ts";

export interface ScheduleParts {
  readonly plan: SchedulePlan;
  readonly account: string;
  readonly region: string;
  /** In place of the rule's own. */
  readonly periodMs: number | undefined;
  invokeLater(functionArn: string, event: string): void;
}

export function startSchedule({ plan, account, region, periodMs, invokeLater }: ScheduleParts): { stop(): void } {
  const timer = setInterval(() => {
    for (const { arn, input } of plan.targets) {
      const event = {
        version: "0",
        id: randomUUID(),
        "detail-type": "Scheduled Event",
        source: "aws.events",
        account,
        time: `${new Date().toISOString().slice(0, 19)}Z`,
        region,
        resources: [plan.arn],
        detail: {},
      };
      invokeLater(arn, input ?? JSON.stringify(event));
    }
  }, periodMs ?? plan.periodMs);
  return { stop: () => clearInterval(timer) };
}
