/**
 * What each resource is called on this machine: Ref and GetAtt of the types a Streamer stack has. Names that the template
 * leaves to CloudFormation are the logical ids; addresses are those of the local services, filled in once they listen.
 */
import type { Environment, ResourceNames } from "./intrinsics.ts";
import type { Json, Resource, Template } from "./template.ts";

/** What is only known once the services run. */
export interface RunningFacts {
  sqsUrl?: string;
  /** By logical id of the table. */
  readonly streamArns: Map<string, string>;
}

type Names = Readonly<Record<string, (id: string, resource: Resource) => string>>;

export function createNames(
  template: Template,
  environment: Environment,
  facts: RunningFacts,
  text: (value: Json | undefined, owner: string) => string,
): ResourceNames {
  const { account, region, partition, urlSuffix } = environment;
  const arn = (service: string, rest: string, where = `${region}:${account}`): string => `arn:${partition}:${service}:${where}:${rest}`;
  const given =
    (property: string, otherwise = (id: string) => id) =>
    (id: string, { Properties }: Resource): string =>
      Properties?.[property] === undefined ? otherwise(id) : text(Properties[property], id);
  const lowerCase = (id: string): string => id.toLowerCase();

  const functionName = given("FunctionName");
  const tableName = given("TableName");
  const queueName = given("QueueName");
  const bucketName = given("BucketName", lowerCase);
  const functionArn = (id: string, resource: Resource): string => arn("lambda", `function:${functionName(id, resource)}`);
  const qualified = (id: string, { Properties }: Resource, qualifier: string): string => {
    const named = text(Properties?.["FunctionName"], id);
    return `${named.startsWith("arn:") ? named : arn("lambda", `function:${named}`)}:${qualifier}`;
  };
  const aliasArn = (id: string, resource: Resource): string => qualified(id, resource, text(resource.Properties?.["Name"], id));
  const queueArn = (id: string, resource: Resource): string => arn("sqs", queueName(id, resource));
  const queueUrl = (id: string, resource: Resource): string => {
    if (facts.sqsUrl === undefined) throw new Error(`needs the address of the queue ${id} before there is one`);
    return `${facts.sqsUrl}/${account}/${queueName(id, resource)}`;
  };
  const tableArn = (id: string, resource: Resource): string => arn("dynamodb", `table/${tableName(id, resource)}`);
  const streamArn = (id: string): string => {
    const found = facts.streamArns.get(id);
    if (found === undefined) throw new Error(`needs the stream of ${id}, which has none`);
    return found;
  };
  const domain = (id: string, resource: Resource): string => `${bucketName(id, resource)}.s3.${urlSuffix}`;

  /** An api's id has ten lower-case characters. */
  const apiId = (id: string): string => lowerCase(id).slice(0, 10);
  const roleName = given("RoleName");
  const logGroup = given("LogGroupName", (id) => `/aws/${id}`);

  const REFS: Names = {
    "AWS::Lambda::Function": functionName,
    "AWS::Lambda::Alias": aliasArn,
    "AWS::Lambda::Version": (id, resource) => qualified(id, resource, "1"),
    "AWS::DynamoDB::Table": tableName,
    "AWS::DynamoDB::GlobalTable": tableName,
    "AWS::SQS::Queue": queueUrl,
    "AWS::S3::Bucket": bucketName,
    "AWS::ApiGatewayV2::Api": apiId,
    "AWS::ApiGatewayV2::Stage": given("StageName"),
    "AWS::ApiGatewayV2::Integration": lowerCase,
    "AWS::ApiGatewayV2::Authorizer": lowerCase,
    "AWS::IAM::Role": roleName,
    "AWS::Logs::LogGroup": logGroup,
    "AWS::SNS::Topic": (id, resource) => arn("sns", given("TopicName")(id, resource)),
    "AWS::KMS::Key": lowerCase,
    "AWS::Events::Rule": given("Name"),
    "AWS::CloudWatch::Alarm": given("AlarmName"),
  };
  const ATTRIBUTES: Names = {
    "AWS::Lambda::Function.Arn": functionArn,
    "AWS::Lambda::Alias.AliasArn": aliasArn,
    "AWS::Lambda::Version.Version": () => "1",
    "AWS::Lambda::Version.FunctionArn": (id, resource) => qualified(id, resource, "1"),
    "AWS::DynamoDB::Table.Arn": tableArn,
    "AWS::DynamoDB::Table.StreamArn": streamArn,
    "AWS::DynamoDB::GlobalTable.Arn": tableArn,
    "AWS::DynamoDB::GlobalTable.StreamArn": streamArn,
    "AWS::SQS::Queue.Arn": queueArn,
    "AWS::SQS::Queue.QueueName": queueName,
    "AWS::SQS::Queue.QueueUrl": queueUrl,
    "AWS::S3::Bucket.Arn": (id, resource) => arn("s3", bucketName(id, resource), ":"),
    "AWS::S3::Bucket.DomainName": domain,
    "AWS::S3::Bucket.RegionalDomainName": domain,
    "AWS::ApiGatewayV2::Api.ApiId": apiId,
    "AWS::ApiGatewayV2::Api.ApiEndpoint": (id) => `wss://${apiId(id)}.execute-api.${region}.${urlSuffix}`,
    "AWS::IAM::Role.Arn": (id, resource) => arn("iam", `role/${roleName(id, resource)}`, `:${account}`),
    "AWS::IAM::Role.RoleId": roleName,
    "AWS::Logs::LogGroup.Arn": (id, resource) => arn("logs", `log-group:${logGroup(id, resource)}:*`),
    "AWS::SNS::Topic.TopicArn": (id, resource) => arn("sns", given("TopicName")(id, resource)),
    "AWS::KMS::Key.Arn": (id) => arn("kms", `key/${lowerCase(id)}`),
    "AWS::Events::Rule.Arn": (id, resource) => arn("events", `rule/${given("Name")(id, resource)}`),
    "AWS::CloudWatch::Alarm.Arn": (id, resource) => arn("cloudwatch", `alarm:${given("AlarmName")(id, resource)}`),
  };

  return {
    ref: (id) => {
      const resource = template.Resources[id]!;
      const name = REFS[resource.Type];
      if (!name) throw new Error(`refers to ${id}: the local run has no name for a ${resource.Type}`);
      return name(id, resource);
    },
    attribute: (id, attribute) => {
      const resource = template.Resources[id]!;
      const name = ATTRIBUTES[`${resource.Type}.${attribute}`];
      if (!name) throw new Error(`reads ${attribute} of ${id}: the local run has no such attribute for a ${resource.Type}`);
      return name(id, resource);
    },
  };
}
