/** The stack as CloudFormation would get it. */
import { Match } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it } from "vitest";
import type { Template } from "aws-cdk-lib/assertions";
import { RUNNABLE_FILTER, TABLES, type TableDefinition } from "@streamer/aws/table";
import { VARIABLES } from "@streamer/aws/settings";
import { FUNCTION_NAMES, FUNCTIONS } from "../src/functions.ts";
import { AUTH, environmentIn, functionIn, normalised, synthesise } from "./template.ts";

type Properties = Record<string, unknown>;
interface Resource {
  readonly Type: string;
  readonly Properties: Properties;
  readonly DeletionPolicy?: string;
}

let template: Template;
const resources = (type: string): Readonly<Record<string, Resource>> => template.findResources(type) as Record<string, Resource>;
const functionOf = (name: string): Properties => functionIn(template, name);

beforeAll(() => {
  template = synthesise(AUTH, { validated: true });
});

describe("the stack", () => {
  it("passes cdk-nag and CDK's own template validation", () => {
    // A finding would have thrown in beforeAll.
    expect(template.toJSON()).toHaveProperty("Resources");
  });

  it("is as it was when last looked at", async () => {
    await expect(normalised(template)).toMatchFileSnapshot("snapshots/template.json");
  });

  it("makes the tables of table.ts, on demand, restorable, encrypted and kept", () => {
    const tables = Object.entries(resources("AWS::DynamoDB::Table"));
    expect(tables).toHaveLength(Object.keys(TABLES).length);
    for (const [name, definition] of Object.entries(TABLES) as [string, TableDefinition][]) {
      const [id, table] = tables.find(([logicalId]) => logicalId.startsWith(`Tables${name}`))!;
      const keys = ({ partition, sort }: TableDefinition["key"]): unknown => [
        { AttributeName: partition[0], KeyType: "HASH" },
        ...(sort ? [{ AttributeName: sort[0], KeyType: "RANGE" }] : []),
      ];
      expect([id, table.DeletionPolicy]).toEqual([id, "Retain"]);
      expect(table.Properties).toMatchObject({
        BillingMode: "PAY_PER_REQUEST",
        DeletionProtectionEnabled: true,
        KeySchema: keys(definition.key),
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        TimeToLiveSpecification: { AttributeName: definition.expiryAttribute, Enabled: true },
      });
      expect(table.Properties["StreamSpecification"]).toEqual(definition.stream && { StreamViewType: "NEW_AND_OLD_IMAGES" });
      const indexes = (table.Properties["GlobalSecondaryIndexes"] ?? []) as Properties[];
      expect(indexes.map(({ IndexName, KeySchema, Projection }) => [IndexName, KeySchema, Projection])).toEqual(
        Object.entries(definition.indexes).map(([index, key]) => [index, keys(key), { ProjectionType: "KEYS_ONLY" }]),
      );
    }
  });

  it("feeds dispatch what became runnable, and nothing for ever", () => {
    template.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      FilterCriteria: { Filters: [{ Pattern: JSON.stringify(RUNNABLE_FILTER) }] },
      StartingPosition: "TRIM_HORIZON",
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: Match.anyValue(),
      MaximumRecordAgeInSeconds: 900,
      ParallelizationFactor: 2,
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
  });

  it("wakes from both queues, whose poison ends in the parked one", () => {
    const queues = Object.entries(resources("AWS::SQS::Queue"));
    const redriven = queues
      .filter(
        ([
          ,
          {
            Properties: { RedrivePolicy },
          },
        ]) => RedrivePolicy !== undefined,
      )
      .map(([id]) => id.slice(0, 12));
    expect(redriven).toEqual(
      ["Queuesdelay4", "Queuesfailed"].map((id) => expect.stringMatching(new RegExp(`^${id.slice(0, 11)}`)) as unknown),
    );
    const mappings = Object.values(resources("AWS::Lambda::EventSourceMapping")).filter(
      ({ Properties: { StartingPosition } }) => !StartingPosition,
    );
    expect(mappings).toHaveLength(2);
    for (const { Properties } of mappings)
      expect(Properties).toMatchObject({ FunctionResponseTypes: ["ReportBatchItemFailures"], MaximumBatchingWindowInSeconds: 0 });
  });

  it("leaves the retries of work to Streamer, and its deaths to the failed queue", () => {
    template.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      // Of the alias, which is what is invoked: settings of the function itself would not count.
      Qualifier: Match.anyValue(),
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 6 * 3_600,
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
    expect(functionOf("work")).toMatchObject({ Timeout: 900, ReservedConcurrentExecutions: 50 });
  });

  it("keeps invocations for those that are outside's to start, so that they leave the rest to those that repair", () => {
    const reserved = { work: 50, message: 400, connect: 100 };
    // Of the 1,000 of an account, 100 have to stay unreserved; the others need some hundreds.
    expect(Object.values(reserved).reduce((sum, each) => sum + each)).toBeLessThan(600);
    for (const name of FUNCTION_NAMES) {
      const expected = reserved[name as keyof typeof reserved] as number | undefined;
      expect([name, functionOf(name)["ReservedConcurrentExecutions"]]).toEqual([name, expected]);
      if (expected !== undefined)
        template.hasResourceProperties("AWS::CloudWatch::Alarm", {
          MetricName: "ConcurrentExecutions",
          Threshold: 0.8 * expected,
          AlarmDescription: Match.stringLikeRegexp(`^${name} `),
        });
    }
  });

  it("runs every function on Node 24 and arm64, with a log group that forgets", () => {
    for (const name of FUNCTION_NAMES) {
      expect(functionOf(name)).toMatchObject({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        Handler: "index.handler",
        Timeout: FUNCTIONS[name].timeoutSeconds,
        LoggingConfig: { LogFormat: "JSON" },
      });
    }
    for (const { Properties } of Object.values(resources("AWS::Logs::LogGroup"))) expect(Properties["RetentionInDays"]).toBe(30);
  });

  it("tells each function the settings it needs, and the token settings to connect alone", () => {
    const told = (name: string): Properties => environmentIn(template, name);
    for (const name of FUNCTION_NAMES) for (const variable of Object.keys(told(name))) expect(Object.values(VARIABLES)).toContain(variable);
    expect(told("connect")).toMatchObject({
      [VARIABLES.jwks]: AUTH.jwksUrl,
      [VARIABLES.issuer]: AUTH.issuer,
      [VARIABLES.audience]: AUTH.audience,
      [VARIABLES.connectionsPerUser]: "256",
    });
    expect(told("message")).not.toHaveProperty(VARIABLES.jwks);
    expect(told("work")).toHaveProperty(VARIABLES.dataPrefix, "data/");
    expect(told("message")).not.toHaveProperty(VARIABLES.dataPrefix);
    expect(JSON.parse(told("message")[VARIABLES.options] as string)).toEqual({
      retentionMs: 7 * 86_400_000,
      admission: { messagesPerSecond: 250, messagesPerSecondPerUser: 250 },
    });
    expect(JSON.stringify(told("dispatch")[VARIABLES.workFunction])).toContain("WorkRolloutAlias");
    expect(JSON.stringify(told("message")[VARIABLES.pushEndpoint])).toContain(".execute-api.");
    expect(JSON.stringify(told("message")[VARIABLES.epoch])).toContain("StreamArn");
  });

  it("rolls message and work out by canary, and back on an alarm", () => {
    const groups = Object.values(resources("AWS::CodeDeploy::DeploymentGroup"));
    expect(groups).toHaveLength(2);
    for (const { Properties } of groups)
      expect(Properties).toMatchObject({
        DeploymentConfigName: "CodeDeployDefault.LambdaCanary10Percent5Minutes",
        AutoRollbackConfiguration: { Enabled: true, Events: expect.arrayContaining(["DEPLOYMENT_STOP_ON_ALARM"]) as unknown },
        AlarmConfiguration: { Enabled: true, Alarms: [expect.anything()] },
      });
  });

  it("throttles and logs the API without what may carry a token", () => {
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 1_000, ThrottlingBurstLimit: 2_000, LoggingLevel: "ERROR", DataTraceEnabled: false },
      AccessLogSettings: { Format: Match.not(Match.stringLikeRegexp("querystring|header|authorizer")) },
    });
    const routes = Object.values(resources("AWS::ApiGatewayV2::Route")).map(({ Properties: { RouteKey } }) => RouteKey);
    expect(new Set(routes)).toEqual(new Set(["$connect", "$default", "$disconnect"]));
  });

  it("keeps files private, over TLS, and neither leftovers nor versions for ever", () => {
    template.allResourcesProperties("AWS::S3::Bucket", { VersioningConfiguration: Match.absent() });
    for (const { Properties } of Object.values(resources("AWS::S3::Bucket")))
      expect(Properties["PublicAccessBlockConfiguration"]).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
    template.hasResourceProperties("AWS::S3::Bucket", {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }),
          Match.objectLike({ Prefix: "values/", ExpirationInDays: 404 }),
          Match.objectLike({ Prefix: "channels/", ExpirationInDays: 7 }),
        ]),
      },
    });
  });
});
