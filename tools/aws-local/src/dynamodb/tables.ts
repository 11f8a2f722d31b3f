/** Makes the tables of a stack, from their own declarations. */
import type { Stack } from "../assembly/stack.ts";
import type { Json, JsonObject } from "../assembly/template.ts";
import { callDynamo } from "./call.ts";

export interface MadeTable {
  readonly id: string;
  readonly name: string;
  /** As the engine calls it. */
  readonly engineStreamArn: string | undefined;
  /** As AWS would call it. */
  readonly streamArn: string | undefined;
}

interface Description {
  readonly TableDescription: { readonly LatestStreamArn?: string; readonly LatestStreamLabel?: string };
}

export async function makeTables(url: string, stack: Stack): Promise<readonly MadeTable[]> {
  const made: MadeTable[] = [];
  for (const declared of stack.all("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")) {
    const name = stack.resolver.text({ Ref: declared.id }, declared.id);
    const list = (property: string): readonly JsonObject[] => (declared.property(property) ?? []) as readonly JsonObject[];
    const view = (declared.property("StreamSpecification") as JsonObject | undefined)?.["StreamViewType"];
    const globals = list("GlobalSecondaryIndexes").map(index);
    const locals = list("LocalSecondaryIndexes").map(index);
    const { TableDescription: table } = await callDynamo<Description>(url, "DynamoDB_20120810.CreateTable", {
      TableName: name,
      AttributeDefinitions: list("AttributeDefinitions"),
      KeySchema: list("KeySchema"),
      BillingMode: "PAY_PER_REQUEST",
      ...(globals.length > 0 && { GlobalSecondaryIndexes: globals }),
      ...(locals.length > 0 && { LocalSecondaryIndexes: locals }),
      ...(view !== undefined && { StreamSpecification: { StreamEnabled: true, StreamViewType: view } }),
    });
    const expiry = declared.property("TimeToLiveSpecification") as { readonly AttributeName?: Json; readonly Enabled?: Json } | undefined;
    if (expiry !== undefined && expiry.Enabled !== false) {
      await callDynamo(url, "DynamoDB_20120810.UpdateTimeToLive", {
        TableName: name,
        TimeToLiveSpecification: { AttributeName: expiry.AttributeName, Enabled: true },
      });
    }
    const arn = stack.resolver.text({ "Fn::GetAtt": [declared.id, "Arn"] }, declared.id);
    made.push({
      id: declared.id,
      name,
      engineStreamArn: table.LatestStreamArn,
      streamArn: table.LatestStreamLabel === undefined ? undefined : `${arn}/stream/${table.LatestStreamLabel}`,
    });
  }
  return made;
}

/** Provisioned or on-demand throughput is a matter of the account, not of the semantics. */
const index = ({ IndexName, KeySchema, Projection }: JsonObject): JsonObject => ({ IndexName, KeySchema, Projection });
