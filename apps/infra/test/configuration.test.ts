import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { VARIABLES } from "@streamer/aws/settings";
import { readConfiguration } from "../src/configuration.ts";
import { AUTH, environmentIn, synthesise } from "./template.ts";

const read = (given: Readonly<Record<string, unknown>>): ReturnType<typeof readConfiguration> => readConfiguration((name) => given[name]);

describe("the configuration", () => {
  it("gives a user a quarter of what all may send, unless the options say otherwise", () => {
    const admissionOf = (given: object): unknown =>
      (JSON.parse(environmentIn(synthesise({ ...AUTH, ...given }), "message")[VARIABLES.options] as string) as { admission: unknown })
        .admission;
    expect(admissionOf({ throttleRate: 101 })).toEqual({ messagesPerSecond: 26, messagesPerSecondPerUser: 26 });
    expect(admissionOf({ options: { admission: { messagesPerSecondPerUser: 7, queued: 9 } } })).toEqual({
      messagesPerSecond: 250,
      messagesPerSecondPerUser: 7,
      queued: 9,
    });
  });

  it("takes the command line's texts as numbers, flags, lists, JSON and files", () => {
    const file = join(mkdtempSync(join(tmpdir(), "streamer-key-")), "key.pem");
    writeFileSync(file, "-----BEGIN PUBLIC KEY-----\n");
    expect(
      read({
        workConcurrency: "7",
        tracing: "true",
        allowedOrigins: "https://a.example, https://b.example",
        options: '{"syncThresholdMs":1000}',
        publicKey: `@${file}`,
      }),
    ).toMatchObject({
      workConcurrency: 7,
      tracing: true,
      allowedOrigins: ["https://a.example", "https://b.example"],
      options: { syncThresholdMs: 1_000 },
      publicKey: "-----BEGIN PUBLIC KEY-----\n",
    });
  });

  it("lists everything that cannot be right", () => {
    const wrong = {
      stage: "Über",
      arch: "sparc",
      workConcurrency: "many",
      jwksUrl: "https://a.example",
      publicKey: "x",
      domainName: "a.example",
    };
    expect(() => read(wrong)).toThrow(/stage: [\s\S]*arch: [\s\S]*workConcurrency: /);
    expect(() => read({ jwksUrl: "https://a.example", publicKey: "x" })).toThrow("give jwksUrl or publicKey, not both");
    expect(() => read({ domainName: "a.example" })).toThrow("domainName and certificateArn come together");
  });

  it("takes a mapping of claims as JSON or an object, and refuses one that tokens could never satisfy", () => {
    const claims = { tenant: "org_id", permissions: ["permissions", "https://example.com/roles"] };
    expect(read({ claims })).toMatchObject({ claims });
    expect(read({ claims: JSON.stringify(claims) })).toMatchObject({ claims });
    expect(() => read({ claims: { tenant: "a..b" } })).toThrow(/claims: "a\.\.b" is no path of a claim/);
    expect(() => read({ claims: { tenants: "x" } })).toThrow(/claims: [\s\S]*tenants/);
    expect(() => read({ claims: { audience: "client_id" } })).toThrow(/claims: /);
  });

  it("wants issuer and audience on every stage that is not for trying out, and key sets by https", () => {
    for (const stage of ["production", "live", "staging"]) {
      expect(() => read({ stage, jwksUrl: "https://a.example" })).toThrow(/issuer: stage [\s\S]*audience: stage /);
      expect(() => read({ stage, jwksUrl: "https://a.example", issuer: "i" })).toThrow(/audience/);
      expect(read({ stage, jwksUrl: "https://a.example", issuer: "i", audience: "a" })).toMatchObject({ stage });
    }
    for (const stage of ["dev", "dev-ann", "test", "local"]) expect(read({ stage, jwksUrl: "https://a.example" })).toMatchObject({ stage });
    expect(() => read({ jwksUrl: "http://a.example/keys" })).toThrow(/https/);
    expect(read({ jwksUrl: "http://127.0.0.1:9/keys" })).toMatchObject({ jwksUrl: "http://127.0.0.1:9/keys" });
  });

  it("reaches the stack: a domain, a topic, tracing, no reserved concurrency, all at once", () => {
    const template = synthesise({
      stage: "production",
      issuer: "https://id.example.com/",
      audience: "streamer",
      publicKey: "-----BEGIN PUBLIC KEY-----\n",
      allowedOrigins: "https://app.example.com",
      domainName: "ws.example.com",
      certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/11111111-2222-3333-4444-555555555555",
      hostedZoneId: "Z123",
      hostedZoneName: "example.com",
      alarmTopicArn: "arn:aws:sns:eu-west-1:111122223333:alarms",
      tracing: true,
      workConcurrency: 0,
      messageConcurrency: 0,
      connectConcurrency: 0,
      rollout: "all-at-once",
      apiLoggingRole: false,
      arch: "x86_64",
    });
    template.hasResourceProperties("AWS::ApiGatewayV2::DomainName", { DomainName: "ws.example.com" });
    template.hasResourceProperties("AWS::Route53::RecordSet", { Name: "ws.example.com.", Type: "A" });
    template.allResourcesProperties("AWS::CloudWatch::Alarm", { AlarmActions: ["arn:aws:sns:eu-west-1:111122223333:alarms"] });
    template.allResourcesProperties("AWS::Lambda::Function", { TracingConfig: { Mode: "Active" }, Architectures: ["x86_64"] });
    template.allResourcesProperties("AWS::Lambda::Function", { ReservedConcurrentExecutions: Match.absent() });
    template.hasResourceProperties("AWS::CodeDeploy::DeploymentGroup", { DeploymentConfigName: "CodeDeployDefault.LambdaAllAtOnce" });
    template.resourceCountIs("AWS::ApiGateway::Account", 0);
    template.hasResourceProperties("AWS::S3::Bucket", {
      CorsConfiguration: {
        CorsRules: [Match.objectLike({ AllowedMethods: ["GET", "HEAD"], AllowedOrigins: ["https://app.example.com"] })],
      },
    });
    template.hasOutput("Url", { Value: "wss://ws.example.com" });
  });
});
