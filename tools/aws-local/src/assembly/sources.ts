/** What invokes the functions of a stack: event source mappings and schedules, as declared. */
import { queueArn } from "./functions.ts";
import type { Declared, Stack } from "./stack.ts";
import type { Json, JsonObject } from "./template.ts";

export interface MappingPlan {
  readonly id: string;
  readonly sourceArn: string;
  readonly kind: "sqs" | "dynamodb";
  /** Name or ARN, perhaps with a qualifier. */
  readonly functionArn: string;
  readonly batchSize: number;
  readonly batchWindowMs: number;
  /** Undefined: everything passes. */
  readonly filters: readonly JsonObject[] | undefined;
  readonly reportsItemFailures: boolean;
  readonly parallelizationFactor: number;
  /** -1 is without end, Lambda's default. */
  readonly maximumRetryAttempts: number;
  readonly maximumRecordAgeMs: number;
  readonly bisects: boolean;
  readonly startingPosition: string;
  readonly onFailure: string | undefined;
  /** Of an SQS mapping. */
  readonly maximumConcurrency: number | undefined;
}

export interface SchedulePlan {
  readonly id: string;
  readonly name: string;
  readonly arn: string;
  readonly periodMs: number;
  readonly targets: readonly { readonly arn: string; readonly input: string | undefined }[];
}

const DEFAULT_BATCH = { sqs: 10, dynamodb: 100 } as const;
const FOREVER = -1;

export function planMappings(stack: Stack): readonly MappingPlan[] {
  return stack.all("AWS::Lambda::EventSourceMapping").flatMap((declared) => {
    if (declared.text("Enabled") === "false") return [];
    const sourceArn = declared.required("EventSourceArn");
    const kind = sourceArn.split(":")[2];
    if (kind !== "sqs" && kind !== "dynamodb")
      throw new Error(`${declared.id} reads ${sourceArn}: the local run knows SQS and DynamoDB streams.`);
    const responses = (declared.property("FunctionResponseTypes") ?? []) as readonly Json[];
    const destinations = (declared.property("DestinationConfig") ?? {}) as Readonly<
      Record<string, { readonly Destination?: string } | undefined>
    >;
    const scaling = (declared.property("ScalingConfig") ?? {}) as { readonly MaximumConcurrency?: number };
    const ageSeconds = declared.number("MaximumRecordAgeInSeconds") ?? FOREVER;
    return [
      {
        id: declared.id,
        sourceArn,
        kind,
        functionArn: declared.required("FunctionName"),
        batchSize: declared.number("BatchSize") ?? DEFAULT_BATCH[kind],
        batchWindowMs: (declared.number("MaximumBatchingWindowInSeconds") ?? 0) * 1_000,
        filters: filtersOf(declared),
        reportsItemFailures: responses.includes("ReportBatchItemFailures"),
        parallelizationFactor: declared.number("ParallelizationFactor") ?? 1,
        maximumRetryAttempts: declared.number("MaximumRetryAttempts") ?? FOREVER,
        maximumRecordAgeMs: ageSeconds === FOREVER ? Infinity : ageSeconds * 1_000,
        bisects: declared.text("BisectBatchOnFunctionError") === "true",
        startingPosition: declared.text("StartingPosition") ?? "TRIM_HORIZON",
        onFailure: queueArn(declared.id, destinations["OnFailure"]?.Destination),
        maximumConcurrency: scaling.MaximumConcurrency,
      },
    ];
  });
}

function filtersOf(declared: Declared): readonly JsonObject[] | undefined {
  const { Filters } = (declared.property("FilterCriteria") ?? {}) as { readonly Filters?: readonly { readonly Pattern: string }[] };
  return Filters?.map(({ Pattern }) => JSON.parse(Pattern) as JsonObject);
}

export function planSchedules(stack: Stack): readonly SchedulePlan[] {
  const rules = stack
    .all("AWS::Events::Rule")
    .filter((rule) => rule.text("ScheduleExpression") !== undefined && rule.text("State") !== "DISABLED");
  const schedules = stack.all("AWS::Scheduler::Schedule").filter((schedule) => schedule.text("State") !== "DISABLED");
  const { partition, region, account } = stack.environment;
  return [...rules, ...schedules].map((declared) => {
    const name = declared.text("Name") ?? declared.id;
    const targets = (declared.property("Targets") ?? [declared.property("Target")]) as readonly {
      readonly Arn: string;
      readonly Input?: string;
    }[];
    return {
      id: declared.id,
      name,
      arn: `arn:${partition}:events:${region}:${account}:rule/${name}`,
      periodMs: periodOf(declared),
      targets: targets.map(({ Arn, Input }) => ({ arn: Arn, input: Input })),
    };
  });
}

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

function periodOf(declared: Declared): number {
  const expression = declared.required("ScheduleExpression");
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (count === undefined) throw new Error(`${declared.id} runs at ${expression}: the local run knows rate(…) only.`);
  return Number(count) * UNIT_MS[unit!]!;
}
