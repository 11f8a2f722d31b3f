/**
 * The WebSocket API: three routes, one stage, throttled and logged. Identity is checked inside `connect` and not by an
 * authorizer: an authorizer's refusal reaches a browser as a failed upgrade that it cannot read, and ours is explained.
 */
import { Aws, Fn, RemovalPolicy, Validations } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import { LogGroupLogDestination, WebSocketApi, WebSocketStage, type CfnRoute, type CfnStage } from "aws-cdk-lib/aws-apigatewayv2";
import { WebSocketLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";

/** No query string and no header: either may carry a token. */
const ACCESS_LOG = {
  requestId: "$context.requestId",
  requestTime: "$context.requestTime",
  ip: "$context.identity.sourceIp",
  userAgent: "$context.identity.userAgent",
  connectionId: "$context.connectionId",
  eventType: "$context.eventType",
  routeKey: "$context.routeKey",
  status: "$context.status",
  integrationStatus: "$context.integrationStatus",
  integrationLatency: "$context.integrationLatency",
  error: "$context.error.message",
  integrationError: "$context.integrationErrorMessage",
};

export interface SocketProps {
  readonly stage: string;
  readonly throttle: { readonly rateLimit: number; readonly burstLimit: number };
  readonly logRetentionDays: number;
}

export interface RouteTargets {
  readonly connect: IFunction;
  readonly disconnect: IFunction;
  readonly message: IFunction;
}

export class Socket extends Construct {
  readonly api: WebSocketApi;
  readonly stage: WebSocketStage;
  readonly #stageName: string;

  constructor(scope: Construct, id: string, { stage, throttle, logRetentionDays }: SocketProps) {
    super(scope, id);
    this.#stageName = stage;
    // There is one route for all messages: what they ask for is read by Streamer, which also answers what it cannot read.
    this.api = new WebSocketApi(this, "Api", { apiName: `streamer-${stage}`, routeSelectionExpression: "$request.body.type" });
    const log = new LogGroup(this, "AccessLog", {
      logGroupName: `/streamer/${stage}/api`,
      retention: logRetentionDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.stage = new WebSocketStage(this, "Stage", {
      webSocketApi: this.api,
      stageName: stage,
      autoDeploy: true,
      throttle,
      accessLogSettings: { destination: new LogGroupLogDestination(log), format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)) },
      detailedMetricsEnabled: true,
    });
    const settings = this.stage.node.defaultChild as CfnStage;
    // Errors alone: at INFO the execution log repeats requests, tokens in query strings included.
    settings.addPropertyOverride("DefaultRouteSettings.LoggingLevel", "ERROR");
    settings.addPropertyOverride("DefaultRouteSettings.DataTraceEnabled", false);
  }

  /** Where functions push to. Spelled from the API alone, so that the functions do not wait for the stage. */
  get pushEndpoint(): string {
    return Fn.join("", ["https://", this.api.apiId, ".execute-api.", Aws.REGION, ".", Aws.URL_SUFFIX, "/", this.#stageName]);
  }

  /** ARN of what the management API may be asked about this API's connections. */
  connectionsArn(method: "POST" | "GET" | "DELETE"): string {
    const { api } = this;
    return `arn:${Aws.PARTITION}:execute-api:${Aws.REGION}:${Aws.ACCOUNT_ID}:${api.apiId}/${this.#stageName}/${method}/@connections/*`;
  }

  route({ connect, disconnect, message }: RouteTargets): void {
    const routes = [
      this.api.addRoute("$connect", { integration: new WebSocketLambdaIntegration("Connect", connect) }),
      this.api.addRoute("$disconnect", { integration: new WebSocketLambdaIntegration("Disconnect", disconnect) }),
      // Without a route response: answers go out as pushes, like everything else, so that they keep their order.
      this.api.addRoute("$default", { integration: new WebSocketLambdaIntegration("Message", message) }),
    ];
    for (const route of routes) {
      Validations.of(route).acknowledge({
        id: "AwsSolutions-APIG4",
        reason: "The connect function checks the token, so that a refusal can be explained to a browser; other routes need its connection.",
      });
      // The stage deploys what is there when it is made.
      this.stage.node.addDependency(route.node.defaultChild as CfnRoute);
    }
  }
}
