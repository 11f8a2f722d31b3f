/**
 * New code gets a tenth of the traffic for five minutes; an alarm in that time puts the alias back to the version
 * before, and the deployment fails. The two functions whose failures people feel go through it: message and work.
 */
import { Duration } from "aws-cdk-lib";
import { type Alarm, ComparisonOperator, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { LambdaDeploymentConfig, LambdaDeploymentGroup } from "aws-cdk-lib/aws-codedeploy";
import { Alias, type EventInvokeConfigOptions, type Function, type IVersion } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { acknowledgeManagedPolicy } from "../acknowledgements.ts";

const ALIAS_NAME = "live";
/** One failure can be an accident of the platform; three within a minute are the code. */
const ERRORS_A_MINUTE = 3;

export interface RolloutProps {
  readonly function: Function;
  readonly canary: boolean;
  /** How asynchronous invocations of the alias are treated: settings of the function itself do not count for it. */
  readonly asynchronous?: EventInvokeConfigOptions;
}

export class Rollout extends Construct {
  readonly alias: Alias;
  readonly alarm: Alarm;

  constructor(scope: Construct, id: string, { function: target, canary, asynchronous }: RolloutProps) {
    super(scope, id);
    this.alias = new Alias(this, "Alias", { aliasName: ALIAS_NAME, version: target.currentVersion as IVersion, ...asynchronous });
    this.alarm = this.alias.metricErrors({ period: Duration.minutes(1) }).createAlarm(this, "Errors", {
      alarmDescription: `${id}: invocations fail; a rollout that is under way is rolled back.`,
      threshold: ERRORS_A_MINUTE,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    const group = new LambdaDeploymentGroup(this, "Deployment", {
      alias: this.alias,
      deploymentConfig: canary ? LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES : LambdaDeploymentConfig.ALL_AT_ONCE,
      alarms: [this.alarm],
      autoRollback: { failedDeployment: true, stoppedDeployment: true, deploymentInAlarm: true },
    });
    acknowledgeManagedPolicy(
      group,
      "AWSCodeDeployRoleForLambdaLimited",
      "CodeDeploy's own policy for Lambda, limited by AWS to what shifting an alias takes.",
    );
  }
}
