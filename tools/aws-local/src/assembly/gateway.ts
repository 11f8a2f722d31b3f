/** The WebSocket API of a stack: its stage, its routes and what each invokes, and that invoking is permitted. */
import type { Stack } from "./stack.ts";

export interface RoutePlan {
  readonly routeKey: string;
  readonly functionArn: string;
  readonly integrationTimeoutMs: number;
}
export interface GatewayPlan {
  readonly apiId: string;
  readonly stage: string;
  readonly routes: ReadonlyMap<string, RoutePlan>;
  /** `$request.body.action`, …: chooses among routes beside $default. */
  readonly selection: string;
}

/** API Gateway's own limit, and default. */
const INTEGRATION_TIMEOUT_MS = 29_000;

export function planGateway(stack: Stack): GatewayPlan {
  const [api, ...others] = stack.all("AWS::ApiGatewayV2::Api").filter((declared) => declared.text("ProtocolType") === "WEBSOCKET");
  if (!api || others.length > 0)
    throw new Error(`The stack has ${others.length + (api ? 1 : 0)} WebSocket APIs where the local run serves one.`);
  const stage = stack
    .all("AWS::ApiGatewayV2::Stage")
    .find((declared) => stack.referred(stack.raw(declared.id)?.Properties?.["ApiId"]) === api.id);
  if (!stage) throw new Error(`${api.id} has no stage.`);
  const permitted = permissions(stack, "apigateway.amazonaws.com");

  const invoked = (id: string, uri: string): string => {
    const [, arn] = /\/functions\/(.+)\/invocations$/.exec(uri) ?? [];
    if (arn === undefined) throw new Error(`${id} integrates ${uri}: the local run knows Lambda functions only.`);
    if (!permitted.has(arn)) throw new Error(`${id}: API Gateway may not invoke ${arn}; an AWS::Lambda::Permission is missing.`);
    return arn;
  };
  const [authorizer] = stack.all("AWS::ApiGatewayV2::Authorizer");
  if (authorizer) throw new Error(`${authorizer.id}: the local run asks no authorizers.`);
  const integrations = new Map(
    stack.all("AWS::ApiGatewayV2::Integration").map((declared) => {
      if (declared.required("IntegrationType") !== "AWS_PROXY") throw new Error(`${declared.id} is no AWS_PROXY integration.`);
      const timeoutMs = declared.number("TimeoutInMillis") ?? INTEGRATION_TIMEOUT_MS;
      return [stack.resolver.text({ Ref: declared.id }, declared.id), { uri: declared.required("IntegrationUri"), timeoutMs }] as const;
    }),
  );
  const routes = stack.all("AWS::ApiGatewayV2::Route").map((declared): RoutePlan => {
    const integration = integrations.get(declared.required("Target").replace("integrations/", ""));
    if (!integration) throw new Error(`${declared.id} has a target that is no integration of the stack.`);
    return {
      routeKey: declared.required("RouteKey"),
      functionArn: invoked(declared.id, integration.uri),
      integrationTimeoutMs: integration.timeoutMs,
    };
  });
  return {
    apiId: stack.resolver.text({ Ref: api.id }, api.id),
    stage: stage.required("StageName"),
    routes: new Map(routes.map((route) => [route.routeKey, route])),
    selection: api.text("RouteSelectionExpression") ?? "$request.body.action",
  };
}

/** ARNs that a service may invoke. */
export function permissions(stack: Stack, principal: string): ReadonlySet<string> {
  const { partition, region, account } = stack.environment;
  return new Set(
    stack
      .all("AWS::Lambda::Permission")
      .filter((declared) => declared.required("Principal") === principal)
      .map((declared) => {
        const name = declared.required("FunctionName");
        return name.startsWith("arn:") ? name : `arn:${partition}:lambda:${region}:${account}:function:${name}`;
      }),
  );
}
