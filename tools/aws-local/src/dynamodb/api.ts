/** DynamoDB as functions reach it: judged by their policies, counted with the capacity it consumed, passed to the engine. */
import { Agent, request as forward, type IncomingMessage } from "node:http";
import type { Environment } from "../assembly/intrinsics.ts";
import { bodyOf, serve, type Call, type Reply, type Service } from "../http.ts";
import { dynamodbAccess } from "../iam/actions.ts";
import type { Gate } from "../iam/gate.ts";

/** By table, then by operation. */
export type DynamoUse = Readonly<Record<string, Readonly<Record<string, OperationUse>>>>;
interface OperationUse {
  readonly count: number;
  /** Read or write units, indexes included. */
  readonly capacityUnits: number;
  readonly requestBytes: number;
}
export interface DynamoApi extends Service {
  use(): DynamoUse;
}

interface Consumed {
  readonly TableName: string;
  readonly CapacityUnits?: number;
}
interface Answer {
  readonly ConsumedCapacity?: Consumed | readonly Consumed[];
}
type Counted = { -readonly [K in keyof OperationUse]: OperationUse[K] };

export async function serveDynamo(engineUrl: string, environment: Environment, gate: Gate): Promise<DynamoApi> {
  const agent = new Agent({ keepAlive: true });
  const counted = new Map<string, Map<string, Counted>>();

  const count = (table: string, operation: string, use: OperationUse): void => {
    const operations = counted.get(table) ?? new Map<string, Counted>();
    counted.set(table, operations);
    const soFar = operations.get(operation) ?? { count: 0, capacityUnits: 0, requestBytes: 0 };
    operations.set(operation, {
      count: soFar.count + use.count,
      capacityUnits: soFar.capacityUnits + use.capacityUnits,
      requestBytes: soFar.requestBytes + use.requestBytes,
    });
  };

  const answer = async ({ headers, url, body }: Call): Promise<Reply> => {
    const target = String(headers["x-amz-target"] ?? "");
    const operation = target.split(".")[1] ?? "";
    const asked = JSON.parse(body.toString("utf8") || "{}") as Record<string, unknown>;
    gate.check(headers, url, () => dynamodbAccess(environment, operation, asked));
    const isData = /Item|Query|Scan/.test(operation);
    const sent = isData && asked["ReturnConsumedCapacity"] === undefined ? { ...asked, ReturnConsumedCapacity: "TOTAL" } : asked;
    const reply = await pass(engineUrl, agent, { target, authorization: String(headers.authorization), body: JSON.stringify(sent) });
    if (isData && reply.status === 200) {
      const { ConsumedCapacity } = JSON.parse(String(reply.body)) as Answer;
      const consumed =
        ConsumedCapacity === undefined ? [] : Array.isArray(ConsumedCapacity) ? ConsumedCapacity : [ConsumedCapacity as Consumed];
      for (const [position, { TableName, CapacityUnits = 0 }] of consumed.entries()) {
        const requestBytes = position === 0 ? body.length : 0;
        count(TableName, operation, { count: 1, capacityUnits: CapacityUnits, requestBytes });
      }
    } else if (isData)
      count((asked["TableName"] as string | undefined) ?? "several", `${operation} refused`, {
        count: 1,
        capacityUnits: 0,
        requestBytes: body.length,
      });
    return reply;
  };

  const service = await serve(answer);
  return {
    ...service,
    use: () => Object.fromEntries(Array.from(counted, ([table, operations]) => [table, Object.fromEntries(operations)])),
    close: async () => {
      await service.close();
      agent.destroy();
    },
  };
}

interface Passed {
  readonly target: string;
  readonly authorization: string;
  readonly body: string;
}

async function pass(engineUrl: string, agent: Agent, { target, authorization, body }: Passed): Promise<Reply> {
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    "content-length": Buffer.byteLength(body),
    "x-amz-target": target,
    "x-amz-date": new Date().toISOString().replaceAll(/[-:]|\.\d+/g, ""),
    authorization,
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    forward(engineUrl, { method: "POST", agent, headers }, resolve).once("error", reject).end(body);
  });
  // A checksum of an answer that is passed on whole stays true.
  const checksum = response.headers["x-amz-crc32"];
  return {
    status: response.statusCode ?? 500,
    headers: { "content-type": "application/x-amz-json-1.0", ...(typeof checksum === "string" && { "x-amz-crc32": checksum }) },
    body: await bodyOf(response),
  };
}
