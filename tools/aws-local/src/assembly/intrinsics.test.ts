import { describe, expect, it } from "vitest";
import { createResolver } from "./intrinsics.ts";
import { createNames } from "./names.ts";
import type { Json, Template } from "./template.ts";

const template: Template = {
  Parameters: { Size: { Default: "5" }, Secret: {} },
  Conditions: { IsEast: { "Fn::Equals": [{ Ref: "AWS::Region" }, "us-east-1"] }, IsWest: { "Fn::Not": [{ Condition: "IsEast" }] } },
  Mappings: { Regions: { "us-east-1": { short: "use1" } } },
  Resources: {
    Table: { Type: "AWS::DynamoDB::Table", Properties: { TableName: { "Fn::Sub": "t-${AWS::Region}" } } },
    Task: { Type: "AWS::Lambda::Function" },
    Live: { Type: "AWS::Lambda::Alias", Properties: { FunctionName: { Ref: "Task" }, Name: "live" } },
    Files: { Type: "AWS::S3::Bucket" },
    Role: { Type: "AWS::IAM::Role" },
    Odd: { Type: "AWS::Odd::Thing" },
  },
};
const environment = { account: "1", region: "us-east-1", partition: "aws", urlSuffix: "amazonaws.com", stackName: "S" };
const names = createNames(template, environment, { streamArns: new Map() }, (value, owner) => resolver.text(value, owner));
const resolver = createResolver(template, environment, names);

describe("an intrinsic function", () => {
  it.each<[Json, Json]>([
    [{ Ref: "Table" }, "t-us-east-1"],
    [{ "Fn::GetAtt": ["Table", "Arn"] }, "arn:aws:dynamodb:us-east-1:1:table/t-us-east-1"],
    [{ "Fn::GetAtt": "Files.Arn" }, "arn:aws:s3:::files"],
    [{ "Fn::GetAtt": ["Role", "Arn"] }, "arn:aws:iam::1:role/Role"],
    [{ Ref: "Live" }, "arn:aws:lambda:us-east-1:1:function:Task:live"],
    [{ "Fn::Select": [7, { "Fn::Split": [":", { Ref: "Live" }] }] }, "live"],
    [{ "Fn::Join": ["/", ["a", { Ref: "Size" }, { Ref: "AWS::Partition" }]] }, "a/5/aws"],
    [
      { "Fn::Sub": ["${x}-${!literal}-${Table.Arn}", { x: { Ref: "Size" } }] },
      "5-${literal}-arn:aws:dynamodb:us-east-1:1:table/t-us-east-1",
    ],
    [{ "Fn::If": ["IsEast", "east", "west"] }, "east"],
    [{ "Fn::If": ["IsWest", "west", { "Fn::FindInMap": ["Regions", { Ref: "AWS::Region" }, "short"] }] }, "use1"],
    [{ a: [1, { Ref: "AWS::NoValue" }], b: { Ref: "AWS::NoValue" } }, { a: [1] }],
  ])("%j is %j", (value, outcome) => {
    expect(resolver.resolve(value, "Me")).toEqual(outcome);
  });

  it.each<[string, Json, RegExp]>([
    ["an unknown function", { "Fn::Cidr": [] }, /^Me uses Fn::Cidr/],
    ["a resource that is not there", { Ref: "Nobody" }, /^Me refers to Nobody, which is not in the template/],
    ["a type that is not known", { Ref: "Odd" }, /^Me refers to Odd: .*AWS::Odd::Thing/],
    ["an attribute that is not known", { "Fn::GetAtt": ["Table", "Shape"] }, /^Me reads Shape of Table/],
    ["a parameter without a default", { Ref: "Secret" }, /^Me refers to the parameter Secret/],
    ["a stream that is not there", { "Fn::GetAtt": ["Table", "StreamArn"] }, /^Me needs the stream of Table/],
  ])("refuses %s and says who needs it", (_, value, message) => {
    expect(() => resolver.resolve(value, "Me")).toThrow(message);
  });
});
