/** Least privilege, read from the roles as they are synthesised. */
import { beforeAll, describe, expect, it } from "vitest";
import { FUNCTION_NAMES, type FunctionName } from "../src/functions.ts";
import { synthesise } from "./template.ts";

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}
interface Role {
  readonly Properties: {
    readonly Description?: string;
    readonly Policies?: readonly { readonly PolicyDocument: { readonly Statement: readonly Statement[] } }[];
    readonly ManagedPolicyArns?: readonly unknown[];
  };
}

let statements: Readonly<Record<FunctionName, readonly Statement[]>>;
let stray: number;
let managed: readonly string[];

beforeAll(() => {
  const template = synthesise();
  const roles = Object.values(template.findResources("AWS::IAM::Role") as Record<string, Role>).map(({ Properties }) => Properties);
  statements = Object.fromEntries(
    FUNCTION_NAMES.map((name) => {
      const role = roles.find(({ Description }) => Description === `Streamer dev: ${name}`)!;
      return [name, role.Policies!.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)];
    }),
  ) as unknown as typeof statements;
  managed = FUNCTION_NAMES.filter((name) =>
    roles.some(({ Description, ManagedPolicyArns }) => Description === `Streamer dev: ${name}` && ManagedPolicyArns),
  );
  stray = Object.keys(template.findResources("AWS::IAM::Policy")).length;
});

const actionsOf = ({ Action }: Statement): readonly string[] => [Action].flat();
const mayDo = (name: FunctionName, action: string): readonly string[] =>
  statements[name].filter((statement) => actionsOf(statement).includes(action)).map(({ Resource }) => JSON.stringify(Resource));

describe("a function's role", () => {
  it("names every action, and has all its statements in one place", () => {
    for (const name of FUNCTION_NAMES) for (const action of statements[name].flatMap(actionsOf)) expect(action).not.toContain("*");
    expect(stray).toBe(0);
    expect(managed).toEqual([]);
  });

  it("never allows anything on everything", () => {
    for (const name of FUNCTION_NAMES) for (const { Resource } of statements[name]) expect([Resource].flat()).not.toContain("*");
  });

  it("connect writes connections, counts them and sends a wakeup, no more", () => {
    const all = statements.connect.flatMap(actionsOf).toSorted();
    const items = ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"].map((action) => `dynamodb:${action}`);
    expect(all).toEqual([...items, "logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"]);
    expect(mayDo("connect", "dynamodb:UpdateItem")).toEqual([expect.stringContaining("Tableslimits")]);
    expect(mayDo("connect", "dynamodb:PutItem")).toEqual([expect.stringContaining("Tablesconnections")]);
  });

  it("dispatch reads the stream and starts work, and touches no table", () => {
    expect(mayDo("dispatch", "lambda:InvokeFunction")).toEqual([expect.stringContaining("WorkRolloutAlias")]);
    expect(statements.dispatch.flatMap(actionsOf).filter((action) => /Item$|Query|s3:|execute-api/.test(action))).toEqual([]);
  });

  it("only those that start work may: not message, not work itself", () => {
    const starters = FUNCTION_NAMES.filter((name) => mayDo(name, "lambda:InvokeFunction").length > 0);
    expect(starters).toEqual(["dispatch", "wake", "sweep"]);
  });

  it("objects are reached by prefix, and the handlers' data is read by work alone", () => {
    const readers = FUNCTION_NAMES.filter((name) => mayDo(name, "s3:GetObject").some((resource) => resource.includes("/data/*")));
    expect(readers).toEqual(["work"]);
    const under = (prefix: string): string =>
      String.raw`\{"Fn::Join":\["",\[\{"Fn::GetAtt":\["FilesBucket\w+","Arn"\]\},"/${prefix}/\*"\]\]\}`;
    const written = new RegExp(String.raw`^(\[${under("blobs")},${under("values")}\]|${under("channels")})$`);
    for (const name of FUNCTION_NAMES)
      for (const resource of [...mayDo(name, "s3:PutObject"), ...mayDo(name, "s3:DeleteObject")]) expect(resource).toMatch(written);
    const keepers = FUNCTION_NAMES.filter((name) => mayDo(name, "s3:PutObject").some((resource) => resource.includes("/channels/*")));
    expect(keepers.toSorted()).toEqual(["message", "work"]);
    for (const name of FUNCTION_NAMES)
      for (const { Condition } of statements[name].filter((statement) => actionsOf(statement).includes("s3:ListBucket")))
        expect(Condition).toHaveProperty("StringLike.s3:prefix");
  });

  it("nothing scans a table, and pushes go to this API's stage alone", () => {
    for (const name of FUNCTION_NAMES) expect(mayDo(name, "dynamodb:Scan")).toEqual([]);
    for (const name of FUNCTION_NAMES)
      for (const resource of mayDo(name, "execute-api:ManageConnections")) expect(resource).toMatch(/\/dev\/POST\/@connections\/\*/);
  });
});
