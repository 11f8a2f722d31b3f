/** Asks DynamoDB what each call cost, indexes included, and counts it: what a request costs is measured, not guessed. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Metrics } from "../functions/metrics.ts";

const READS = new Set(["GetItemCommand", "BatchGetItemCommand", "QueryCommand"]);

interface Answer {
  readonly output: { readonly ConsumedCapacity?: Capacity | readonly Capacity[] };
}
interface Capacity {
  readonly CapacityUnits?: number;
}

export function meterCapacity(client: DynamoDBClient, metrics: Pick<Metrics, "add">): DynamoDBClient {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const answer = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: "TOTAL" } });
      const { ConsumedCapacity: consumed = [] } = (answer as unknown as Answer).output;
      const units = [consumed].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
      if (units > 0) metrics.add(READS.has(String(context["commandName"])) ? "ReadUnits" : "WriteUnits", units);
      return answer;
    },
    { step: "initialize", name: "meterCapacity" },
  );
  return client;
}
