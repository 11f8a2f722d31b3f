/** The environment variables of an instance: what Lambda sets, where the local services are, then the template's own. */
import type { FunctionPlan } from "../assembly/functions.ts";
import type { Environment } from "../assembly/intrinsics.ts";
import type { Credentials } from "../iam/gate.ts";

export interface Endpoints {
  readonly dynamodb: string;
  readonly s3: string;
  readonly sqs: string;
  readonly lambda: string;
  /** Of the WebSocket API, without a stage: `http://…`. */
  readonly gateway: string;
}

export function environmentOf(
  plan: FunctionPlan,
  { account: _account, region, urlSuffix }: Environment,
  { credentials, endpoints, apiId }: { readonly credentials: Credentials; readonly endpoints: Endpoints; readonly apiId: string },
): Readonly<Record<string, string>> {
  // What the stack knows as the address of its API is served here.
  const deployed = `https://${apiId}.execute-api.${region}.${urlSuffix}`;
  const own = Object.entries(plan.environment()).map(([name, value]) => [name, value.replaceAll(deployed, endpoints.gateway)]);
  return {
    PATH: process.env["PATH"] ?? "",
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
    AWS_EXECUTION_ENV: `AWS_Lambda_${plan.runtime}`,
    AWS_LAMBDA_FUNCTION_NAME: plan.name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(plan.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${plan.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: "local",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
    AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda,
    // The local S3 does not read the trailing checksums that newer clients add of their own accord.
    AWS_REQUEST_CHECKSUM_CALCULATION: "when_required",
    LAMBDA_TASK_ROOT: plan.codeFolder,
    _HANDLER: plan.handler,
    ...Object.fromEntries(own),
  };
}
