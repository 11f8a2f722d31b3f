/** A DynamoDB for tests: one process, its tables made from table.ts under names of their own for each test. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { CreateTableCommand, DynamoDBClient, type CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { TABLES, type KeySchema, type TableDefinition, type TableName, type TableNames } from "../src/dynamodb/table.ts";

export interface LocalDynamoDb {
  readonly endpoint: string;
  stop(): Promise<void>;
}

const require = createRequire(import.meta.url);
export const CREDENTIALS = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" } as const;

export async function startDynamoDb(): Promise<LocalDynamoDb> {
  const port = await freePort();
  const binary = join(dirname(require.resolve("@dynoxide/linux-x64/package.json")), "dynoxide");
  const child = spawn(binary, ["--port", String(port)], { stdio: "ignore" });
  const endpoint = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(endpoint).catch(() => undefined)) !== undefined);
  return {
    endpoint,
    stop: async () => {
      child.kill();
      await once(child, "exit");
    },
  };
}

/** A port that nobody listens at, for a program that has to be told one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("The local DynamoDB did not start.");
}

export function connectDynamoDb(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({ endpoint, region: "eu-central-1", credentials: CREDENTIALS, maxAttempts: 1 });
}

export async function createTables(client: DynamoDBClient, prefix: string): Promise<TableNames> {
  const names = Object.keys(TABLES) as TableName[];
  await Promise.all(names.map((name) => client.send(new CreateTableCommand(tableInput(`${prefix}-${name}`, TABLES[name])))));
  return Object.fromEntries(names.map((name) => [name, `${prefix}-${name}`])) as TableNames;
}

function tableInput(name: string, { key, indexes, stream }: TableDefinition): CreateTableCommandInput {
  const schema = ({ partition, sort }: KeySchema) => [
    { AttributeName: partition[0], KeyType: "HASH" as const },
    ...(sort ? [{ AttributeName: sort[0], KeyType: "RANGE" as const }] : []),
  ];
  const attributes = new Map([key, ...Object.values(indexes)].flatMap(({ partition, sort }) => [partition, ...(sort ? [sort] : [])]));
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: schema(key),
    AttributeDefinitions: Array.from(attributes, ([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    ...(Object.keys(indexes).length > 0 && {
      GlobalSecondaryIndexes: Object.entries(indexes).map(([IndexName, index]) => ({
        IndexName,
        KeySchema: schema(index),
        Projection: { ProjectionType: "KEYS_ONLY" as const },
      })),
    }),
    ...(stream && { StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" as const } }),
  };
}
