import { describe, expect, it } from "vitest";
import { dynamodbAccess, s3Access } from "./actions.ts";
import { isAllowed, parse } from "./policies.ts";

const environment = { account: "1", region: "eu-west-1", partition: "aws", urlSuffix: "amazonaws.com", stackName: "S" };
const table = "arn:aws:dynamodb:eu-west-1:1:table/t";
const allow = (Action: string | string[], Resource: string | string[], Condition?: object) =>
  parse("Policy1", { Statement: [{ Effect: "Allow", Action, Resource, ...(Condition && { Condition: Condition as never }) }] });

describe("a policy", () => {
  it("allows its actions on its resources and no others", () => {
    const statements = allow(["dynamodb:GetItem", "dynamodb:Batch*"], [table, `${table}/index/*`]);
    expect(isAllowed(statements, { action: "dynamodb:GetItem", resource: table })).toBe(true);
    expect(isAllowed(statements, { action: "dynamodb:BatchGetItem", resource: `${table}/index/x` })).toBe(true);
    expect(isAllowed(statements, { action: "dynamodb:PutItem", resource: table })).toBe(false);
    expect(isAllowed(statements, { action: "dynamodb:GetItem", resource: `${table}s` })).toBe(false);
  });

  it("denies in spite of what allows", () => {
    const deny = parse("Policy1", { Statement: { Effect: "Deny", Action: "dynamodb:*", Resource: "*" } });
    expect(isAllowed([...allow("*", "*"), ...deny], { action: "dynamodb:GetItem", resource: table })).toBe(false);
  });

  it("holds a condition on the prefix of a list", () => {
    const statements = allow("s3:ListBucket", "arn:aws:s3:::b", { StringLike: { "s3:prefix": ["data/*"] } });
    const list = (prefix: string) => s3Access(environment, "GET", new URL(`http://h/b/?list-type=2&prefix=${prefix}`))[0]!;
    expect(isAllowed(statements, list("data/x"))).toBe(true);
    expect(isAllowed(statements, list("other/"))).toBe(false);
  });

  it("that cannot be evaluated is refused", () => {
    expect(() => allow("s3:*", "*", { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } })).toThrow(/Policy1 has the condition IpAddress/);
  });
});

describe("a request needs", () => {
  it("the actions of the items of a transaction", () => {
    const items = [{ Put: { TableName: "t" } }, { ConditionCheck: { TableName: "t" } }];
    expect(dynamodbAccess(environment, "TransactWriteItems", { TransactItems: items })).toEqual([
      { action: "dynamodb:PutItem", resource: table },
      { action: "dynamodb:ConditionCheckItem", resource: table },
    ]);
  });

  it("its action on the index it queries, and on each table of a batch", () => {
    expect(dynamodbAccess(environment, "Query", { TableName: "t", IndexName: "i" })).toEqual([
      { action: "dynamodb:Query", resource: `${table}/index/i` },
    ]);
    expect(dynamodbAccess(environment, "BatchWriteItem", { RequestItems: { t: [] } })).toEqual([
      { action: "dynamodb:BatchWriteItem", resource: table },
    ]);
  });

  it("the action of what it does to an object", () => {
    const needs = (method: string, path: string) =>
      s3Access(environment, method, new URL(`http://h${path}`)).map(({ action, resource }) => `${action} ${resource}`);
    expect(needs("HEAD", "/b/a%20b")).toEqual(["s3:GetObject arn:aws:s3:::b/a b"]);
    expect(needs("POST", "/b/a?uploads")).toEqual(["s3:PutObject arn:aws:s3:::b/a"]);
    expect(needs("DELETE", "/b/a?uploadId=1")).toEqual(["s3:AbortMultipartUpload arn:aws:s3:::b/a"]);
  });
});
