/**
 * CloudFront in front of the WebSocket API, because a web ACL attaches to it and not to the API: who connects too often is
 * refused there, by address, before anything here is called or paid for. The API's own address stays, since CloudFront
 * reaches it like anybody else: `connect` refuses whoever does not bring the secret that CloudFront adds to each request.
 */
import { Aws, CfnOutput, SecretValue, Stack, Token, Validations } from "aws-cdk-lib";
import type { WebSocketApi } from "aws-cdk-lib/aws-apigatewayv2";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { ARecord, HostedZone, RecordTarget } from "aws-cdk-lib/aws-route53";
import { CloudFrontTarget } from "aws-cdk-lib/aws-route53-targets";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import { Construct } from "constructs";
import { EDGE_HEADER } from "@streamer/aws/settings";

/** The one region in which a web ACL for CloudFront can be made. */
const ACL_REGION = "us-east-1";
/** Over which connects are counted: the longest but one that WAF knows. */
const WINDOW_SECONDS = 300;

export interface EdgeProps {
  readonly api: WebSocketApi;
  readonly stage: string;
  /** Of scope CLOUDFRONT; without it the stack makes one. */
  readonly webAclArn: string | undefined;
  /** Connects of one address in five minutes that the stack's own web ACL lets through. */
  readonly connectsPerAddress: number;
  /** Of the stack, where it is known as it is synthesised. */
  readonly region: string | undefined;
  /** Versions of the secret that `connect` takes, of which CloudFront sends the first; none: the newest there is. */
  readonly secretVersions: readonly string[];
  readonly domain: EdgeDomain | undefined;
}

/** A name of your own: its certificate is of us-east-1, as CloudFront wants it. */
export interface EdgeDomain {
  readonly name: string;
  readonly certificateArn: string;
  readonly hostedZone: { readonly id: string; readonly name: string } | undefined;
}

export class Edge extends Construct {
  /** What `connect` takes, with commas: references, which CloudFormation resolves. */
  readonly secrets: string;
  /** Where clients connect. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: EdgeProps) {
    super(scope, id);
    const { stage, domain } = props;
    const secret = new Secret(this, "Secret", {
      description: `Streamer ${stage}: what CloudFront shows connect`,
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
    });
    Validations.of(secret).acknowledge({
      id: "AwsSolutions-SMG4",
      reason: "A new value has to reach CloudFront, which a rotation by itself does not do: it is changed by deployments (deploy-aws.md).",
    });
    // In the template they are references, which CloudFormation resolves as it hands them to CloudFront and Lambda.
    const [sent = secret.secretValue, ...others] = props.secretVersions.map((versionId) =>
      SecretValue.secretsManager(secret.secretArn, { versionId }),
    );
    this.secrets = [sent, ...others].map((value) => value.unsafeUnwrap()).join(",");
    const distribution = this.#distribute(props, sent);
    this.url = `wss://${domain?.name ?? distribution.distributionDomainName}/${stage}`;
    if (domain) this.#name(domain, distribution);
  }

  #distribute({ api, stage, domain, ...aclProps }: EdgeProps, secret: SecretValue): Distribution {
    const origin = new HttpOrigin(`${api.apiId}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}`, {
      protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
      originSslProtocols: [OriginSslPolicy.TLS_V1_2],
      customHeaders: { [EDGE_HEADER]: secret.unsafeUnwrap() },
    });
    const distribution = new Distribution(this, "Distribution", {
      comment: `Streamer ${stage}`,
      defaultBehavior: {
        origin,
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
        cachePolicy: CachePolicy.CACHING_DISABLED,
        // All of a handshake, Authorization and subprotocol too; Host names the API, which would refuse another.
        originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        compress: false,
      },
      // Upgrades are all there is.
      httpVersion: HttpVersion.HTTP1_1,
      // One subscriber has 2^64 addresses of IPv6, and each would be counted by itself.
      enableIpv6: false,
      webAclId: this.#aclOf({ stage, ...aclProps }),
      ...(domain && {
        domainNames: [domain.name],
        certificate: Certificate.fromCertificateArn(this, "Certificate", domain.certificateArn),
        minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      }),
    });
    const reasons = {
      CFR1: "Who may use Streamer is said by tokens, wherever they are.",
      CFR3: "Its log would hold query strings, which may carry tokens; the API's own log has each connection, without them.",
      ...(!domain && { CFR4: "CloudFront decides it for names of its own; with domainName it is TLS 1.2." }),
    };
    for (const [rule, reason] of Object.entries(reasons)) Validations.of(distribution).acknowledge({ id: `AwsSolutions-${rule}`, reason });
    return distribution;
  }

  #aclOf({
    stage,
    webAclArn,
    connectsPerAddress,
    region,
  }: Pick<EdgeProps, "stage" | "webAclArn" | "connectsPerAddress" | "region">): string {
    if (webAclArn !== undefined) return webAclArn;
    const own = Stack.of(this).region;
    const known = Token.isUnresolved(own) ? region : own;
    if (known !== undefined && known !== ACL_REGION)
      throw new Error(
        `A web ACL for CloudFront can be made in ${ACL_REGION} alone, and this stack is for ${known}: make one there, and give its ARN as webAclArn.`,
      );
    const seen = (metricName: string) => ({ metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: true });
    const acl = new CfnWebACL(this, "WebAcl", {
      description: `Streamer ${stage}: connects of one address`,
      scope: "CLOUDFRONT",
      defaultAction: { allow: {} },
      visibilityConfig: seen(`streamer-${stage}`),
      rules: [
        {
          name: "connects-per-address",
          priority: 0,
          action: { block: {} },
          statement: {
            rateBasedStatement: { aggregateKeyType: "IP", limit: connectsPerAddress, evaluationWindowSec: WINDOW_SECONDS },
          },
          visibilityConfig: seen(`streamer-${stage}-connects-per-address`),
        },
      ],
    });
    return acl.attrArn;
  }

  #name({ name, hostedZone }: EdgeDomain, distribution: Distribution): void {
    if (hostedZone) {
      new ARecord(this, "Record", {
        zone: HostedZone.fromHostedZoneAttributes(this, "Zone", { hostedZoneId: hostedZone.id, zoneName: hostedZone.name }),
        recordName: name,
        target: RecordTarget.fromAlias(new CloudFrontTarget(distribution)),
      });
    }
    new CfnOutput(this, "DomainTarget", {
      value: distribution.distributionDomainName,
      description: `What a DNS record of ${name} points to`,
    });
  }
}
