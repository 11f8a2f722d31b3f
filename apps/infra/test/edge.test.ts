/** CloudFront in front of the API, as CloudFormation would get it; cdk-nag would have thrown. */
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { EDGE_HEADER, VARIABLES } from "@streamer/aws/settings";
import { readConfiguration } from "../src/configuration.ts";
import { FUNCTION_NAMES } from "../src/functions.ts";
import { AUTH, environmentIn, functionIn, normalised, synthesise } from "./template.ts";

const ACL = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/connects/11111111-2222-3333-4444-555555555555";
const EDGE = { ...AUTH, edge: "true" };

interface Distribution {
  readonly Properties: {
    readonly DistributionConfig: {
      readonly Origins: readonly {
        readonly DomainName: unknown;
        readonly OriginPath?: string;
        readonly OriginCustomHeaders: readonly { readonly HeaderName: string; readonly HeaderValue: unknown }[];
      }[];
    };
  };
}
const originIn = (template: ReturnType<typeof synthesise>) => {
  const [distribution] = Object.values(template.findResources("AWS::CloudFront::Distribution") as Record<string, Distribution>);
  return distribution!.Properties.DistributionConfig.Origins[0]!;
};

describe("without edge", () => {
  it("nothing of it is made, and connect asks for no secret", () => {
    const template = synthesise();
    for (const type of ["AWS::CloudFront::Distribution", "AWS::WAFv2::WebACL", "AWS::SecretsManager::Secret"])
      template.resourceCountIs(type, 0);
    expect(environmentIn(template, "connect")).not.toHaveProperty(VARIABLES.edgeSecrets);
    expect(JSON.stringify(template.toJSON())).not.toContain("secretsmanager");
  });
});

describe("with edge", () => {
  it("a web ACL counts the connects of each address, in front of CloudFront", () => {
    const template = synthesise(EDGE, { validated: true });
    template.hasResourceProperties("AWS::WAFv2::WebACL", {
      Scope: "CLOUDFRONT",
      DefaultAction: { Allow: {} },
      Rules: [
        Match.objectLike({
          Action: { Block: {} },
          Statement: { RateBasedStatement: { AggregateKeyType: "IP", Limit: 1_000, EvaluationWindowSec: 300 } },
        }),
      ],
    });
    template.hasResourceProperties("AWS::CloudFront::Distribution", {
      DistributionConfig: Match.objectLike({
        WebACLId: { "Fn::GetAtt": [Match.stringLikeRegexp("^EdgeWebAcl"), "Arn"] },
        IPV6Enabled: false,
        DefaultCacheBehavior: Match.objectLike({ AllowedMethods: ["GET", "HEAD"], ViewerProtocolPolicy: "https-only" }),
      }),
    });
  });

  it("the secret is made by Secrets Manager, is a reference in the template, and connect alone is told it", () => {
    const template = synthesise(EDGE);
    template.hasResourceProperties("AWS::SecretsManager::Secret", {
      GenerateSecretString: { PasswordLength: 64 },
      SecretString: Match.absent(),
    });
    const { DomainName: address, OriginPath: path, OriginCustomHeaders: headers } = originIn(template);
    expect(JSON.stringify(address)).toContain(".execute-api.");
    expect(path).toBeUndefined();
    expect(headers).toHaveLength(1);
    expect(headers[0]!.HeaderName).toBe(EDGE_HEADER);
    expect(JSON.stringify(headers[0]!.HeaderValue)).toMatch(/\{\{resolve:secretsmanager:.*EdgeSecret.*:SecretString:::\}\}/);
    expect(environmentIn(template, "connect")[VARIABLES.edgeSecrets]).toEqual(headers[0]!.HeaderValue);
    for (const name of FUNCTION_NAMES)
      expect([name, JSON.stringify(functionIn(template, name)).includes("secretsmanager")]).toEqual([name, name === "connect"]);
    template.hasOutput("Url", { Value: Match.objectLike({ "Fn::Join": ["", ["wss://", Match.anyValue(), "/dev"]] }) });
  });

  it("takes a web ACL that is given, versions of the secret, and a name of one's own with its record", () => {
    const template = synthesise({
      ...EDGE,
      webAclArn: ACL,
      edgeSecretVersions: "next, last",
      domainName: "ws.example.com",
      certificateArn: "arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555",
      hostedZoneId: "Z123",
      hostedZoneName: "example.com",
    });
    template.resourceCountIs("AWS::WAFv2::WebACL", 0);
    template.resourceCountIs("AWS::ApiGatewayV2::DomainName", 0);
    template.hasResourceProperties("AWS::CloudFront::Distribution", {
      DistributionConfig: Match.objectLike({
        WebACLId: ACL,
        Aliases: ["ws.example.com"],
        ViewerCertificate: Match.objectLike({ MinimumProtocolVersion: "TLSv1.2_2021" }),
      }),
    });
    const references = (value: unknown): readonly string[] => JSON.stringify(value).match(/:SecretString:::\w*\}\}/g) ?? [];
    expect(references(originIn(template).OriginCustomHeaders)).toEqual([":SecretString:::next}}"]);
    expect(references(environmentIn(template, "connect")[VARIABLES.edgeSecrets])).toEqual([
      ":SecretString:::next}}",
      ":SecretString:::last}}",
    ]);
    template.hasResourceProperties("AWS::Route53::RecordSet", { Name: "ws.example.com.", Type: "A" });
    template.hasOutput("Url", { Value: "wss://ws.example.com/dev" });
  });

  it("changes nothing else of the stack but connect", () => {
    const plain = Object.entries(synthesise().toJSON()["Resources"] as Record<string, unknown>);
    const edged = synthesise(EDGE).toJSON()["Resources"] as Record<string, unknown>;
    const changed = plain.filter(([id, resource]) => JSON.stringify(edged[id]) !== JSON.stringify(resource)).map(([id]) => id);
    expect(changed.every((id) => id.startsWith("connect"))).toBe(true);
  });

  it("is as it was when last looked at", async () => {
    await expect(normalised(synthesise(EDGE))).toMatchFileSnapshot("snapshots/edge.json");
  });

  it("says what is wrong before anything is deployed", () => {
    const read = (given: object) => () => readConfiguration((name) => (given as Record<string, unknown>)[name]);
    expect(() => synthesise(EDGE, { region: "eu-west-1" })).toThrow(/us-east-1 alone, and this stack is for eu-west-1: .*webAclArn/);
    expect(() => synthesise({ ...EDGE, webAclArn: ACL }, { region: "eu-west-1" })).not.toThrow();
    expect(() => synthesise(EDGE, { region: "us-east-1" })).not.toThrow();
    expect(read({ webAclArn: ACL })).toThrow(/edge: webAclArn and edgeSecretVersions are for edge=true/);
    expect(read({ edge: true, webAclArn: "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/a/b" })).toThrow(/scope CLOUDFRONT/);
    const own = { domainName: "a.example", certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/1" };
    expect(read({ edge: true, ...own })).toThrow(/certificate of us-east-1/);
  });
});
