/** The functions of a stack, their aliases, and how their asynchronous invocations are retried: as declared. */
import type { Stack } from "./stack.ts";
import type { Json, JsonObject } from "./template.ts";

export interface FunctionPlan {
  readonly id: string;
  readonly name: string;
  readonly arn: string;
  readonly handler: string;
  readonly codeFolder: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly runtime: string;
  readonly reservedConcurrency: number | undefined;
  /** Logical id of its role. */
  readonly role: string | undefined;
  /** Resolved when it is asked for: it may name addresses. */
  environment(): Readonly<Record<string, string>>;
}

export interface AsyncPlan {
  /** Of the function, with or without a qualifier. */
  readonly arn: string;
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeMs: number;
  /** ARN of a queue. */
  readonly onFailure: string | undefined;
  readonly onSuccess: string | undefined;
}

/** Lambda's own defaults. */
const DEFAULT_MEMORY_MB = 128;
const DEFAULT_TIMEOUT_SECONDS = 3;
export const DEFAULT_ASYNC = { maximumRetryAttempts: 2, maximumEventAgeMs: 6 * 3_600_000 } as const;

export function planFunctions(stack: Stack): readonly FunctionPlan[] {
  const plans: FunctionPlan[] = [];
  for (const declared of stack.all("AWS::Lambda::Function")) {
    const { id } = declared;
    const runtime = declared.text("Runtime") ?? "";
    // CDK's own helpers (custom resources) act at deployment only.
    if (!runtime.startsWith("nodejs") || isDeploymentHelper(stack, id)) continue;
    if (declared.property("DeadLetterConfig")) throw new Error(`${id} has a DeadLetterConfig: use an on-failure destination instead.`);
    const code = declared.property("Code") as JsonObject;
    const codeFolder = stack.asset(stack.resolver.text(code["S3Key"], id));
    if (codeFolder === undefined) throw new Error(`${id}: the assembly has no asset for its code, ${JSON.stringify(code)}.`);
    plans.push({
      id,
      name: declared.text("FunctionName") ?? id,
      arn: stack.resolver.text({ "Fn::GetAtt": [id, "Arn"] }, id),
      handler: declared.required("Handler"),
      codeFolder,
      memoryMb: declared.number("MemorySize") ?? DEFAULT_MEMORY_MB,
      timeoutMs: (declared.number("Timeout") ?? DEFAULT_TIMEOUT_SECONDS) * 1_000,
      runtime,
      reservedConcurrency: declared.number("ReservedConcurrentExecutions"),
      role: stack.referred(stack.raw(id)?.Properties?.["Role"]),
      environment: () => {
        const { Variables = {} } = (declared.property("Environment") ?? {}) as { readonly Variables?: JsonObject };
        return Object.fromEntries(Object.entries(Variables).map(([name, value]) => [name, stack.resolver.text(value as Json, id)]));
      },
    });
  }
  return plans;
}

function isDeploymentHelper(stack: Stack, id: string): boolean {
  const isProvider = stack.all("AWS::CloudFormation::CustomResource").some(({ required }) => required("ServiceToken").includes(id));
  return isProvider || /^(Custom|AWS679f53fac002430cb0da5b7982bd2287|LogRetention)/.test(id);
}

export function planAsync(stack: Stack): readonly AsyncPlan[] {
  return stack.all("AWS::Lambda::EventInvokeConfig").map((declared) => {
    const name = declared.required("FunctionName");
    const arn = name.startsWith("arn:") ? name : arnOf(stack, name);
    const qualifier = declared.required("Qualifier");
    const destinations = (declared.property("DestinationConfig") ?? {}) as Readonly<
      Record<string, { readonly Destination?: string } | undefined>
    >;
    return {
      arn: qualifier === "$LATEST" ? arn : `${arn}:${qualifier}`,
      maximumRetryAttempts: declared.number("MaximumRetryAttempts") ?? DEFAULT_ASYNC.maximumRetryAttempts,
      maximumEventAgeMs: (declared.number("MaximumEventAgeInSeconds") ?? DEFAULT_ASYNC.maximumEventAgeMs / 1_000) * 1_000,
      onFailure: queueArn(declared.id, destinations["OnFailure"]?.Destination),
      onSuccess: queueArn(declared.id, destinations["OnSuccess"]?.Destination),
    };
  });
}

/** A destination that is not a queue is refused: its records would be lost here. */
export function queueArn(id: string, arn: string | undefined): string | undefined {
  if (arn !== undefined && arn.split(":")[2] !== "sqs")
    throw new Error(`${id} has the destination ${arn}: the local run only delivers to SQS.`);
  return arn;
}

const arnOf = (stack: Stack, functionName: string): string => {
  const { partition, region, account } = stack.environment;
  return `arn:${partition}:lambda:${region}:${account}:function:${functionName}`;
};
