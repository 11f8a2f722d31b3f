/** A name of your own for the API. Pushes keep going to the API's own address: connections are the same. */
import { CfnOutput } from "aws-cdk-lib";
import { ApiMapping, DomainName, SecurityPolicy, type WebSocketApi, type WebSocketStage } from "aws-cdk-lib/aws-apigatewayv2";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { ARecord, HostedZone, RecordTarget } from "aws-cdk-lib/aws-route53";
import { ApiGatewayv2DomainProperties } from "aws-cdk-lib/aws-route53-targets";
import { Construct } from "constructs";

export interface CustomDomainProps {
  readonly domainName: string;
  /** Of the same region. */
  readonly certificateArn: string;
  /** Where the name's record is made; without it, make one yourself that points to the output `DomainTarget`. */
  readonly hostedZone?: { readonly id: string; readonly name: string };
  readonly api: WebSocketApi;
  readonly stage: WebSocketStage;
}

export class CustomDomain extends Construct {
  constructor(scope: Construct, id: string, { domainName, certificateArn, hostedZone, api, stage }: CustomDomainProps) {
    super(scope, id);
    const domain = new DomainName(this, "Name", {
      domainName,
      certificate: Certificate.fromCertificateArn(this, "Certificate", certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    new ApiMapping(this, "Mapping", { api, domainName: domain, stage });
    if (hostedZone) {
      new ARecord(this, "Record", {
        zone: HostedZone.fromHostedZoneAttributes(this, "Zone", { hostedZoneId: hostedZone.id, zoneName: hostedZone.name }),
        recordName: domainName,
        target: RecordTarget.fromAlias(new ApiGatewayv2DomainProperties(domain.regionalDomainName, domain.regionalHostedZoneId)),
      });
    }
    new CfnOutput(this, "DomainTarget", { value: domain.regionalDomainName, description: `What a DNS record of ${domainName} points to` });
  }
}
