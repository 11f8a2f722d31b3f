/**
 * The role API Gateway writes logs with: one per account and region, whatever the number of APIs. Kept when the stack
 * goes, since other APIs of the account may write with it by then.
 */
import { RemovalPolicy } from "aws-cdk-lib";
import { CfnAccount } from "aws-cdk-lib/aws-apigateway";
import { ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { acknowledgeManagedPolicy } from "../acknowledgements.ts";

const POLICY = "AmazonAPIGatewayPushToCloudWatchLogs";

export class ApiLoggingRole extends Construct {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("apigateway.amazonaws.com"),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName(`service-role/${POLICY}`)],
    });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    acknowledgeManagedPolicy(role, POLICY, "AWS has no narrower one: API Gateway makes log groups whose names are not known before.");
    new CfnAccount(this, "Account", { cloudWatchRoleArn: role.roleArn }).applyRemovalPolicy(RemovalPolicy.RETAIN);
  }
}
