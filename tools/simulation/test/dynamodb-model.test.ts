/**
 * The model of the tables answers as a DynamoDB does: every call that the engine made in some runs of the simulation, with
 * its answer, is made again there.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import * as sdk from "@aws-sdk/client-dynamodb";
import { TABLES, type TableDefinition, type TableName } from "@streamer/aws";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAwsDeployment } from "../src/engines/aws/deployment.ts";
import { drawPlan } from "../src/plan.ts";
import { simulate } from "../src/simulate.ts";

interface Call {
  readonly command: string;
  readonly input: Record<string, unknown>;
  readonly answer: unknown;
}
interface Refusal {
  readonly name: string;
  readonly Item?: unknown;
  readonly CancellationReasons?: readonly { readonly Code?: string; readonly Item?: unknown }[];
}

const NAMES = Object.keys(TABLES) as readonly TableName[];
const SEEDS = [1, 3, 4, 6, 10, 21] as const;
let child: ChildProcess;
let client: sdk.DynamoDBClient;

beforeAll(async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  child = spawn(createRequire(import.meta.url).resolve("@dynoxide/linux-x64/dynoxide"), ["--port", String(port)], { stdio: "ignore" });
  const endpoint = `http://127.0.0.1:${port}`;
  while (!(await fetch(endpoint).catch(() => undefined))) await wait(25);
  client = new sdk.DynamoDBClient({
    endpoint,
    region: "eu-central-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  child.kill();
  await once(child, "exit");
});

function describeTable(name: string, { key, indexes }: TableDefinition): sdk.CreateTableCommandInput {
  const schema = ({ partition, sort }: TableDefinition["key"]) => [
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
  };
}

/** The tables of one run are its own. */
function renamed(value: unknown, seed: number): unknown {
  if (Array.isArray(value)) return value.map((one) => renamed(one, seed));
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (name === "TableName") return [name, `t${seed}-${String(inner)}`];
      if (name === "RequestItems")
        return [name, Object.fromEntries(Object.entries(inner as object).map(([table, keys]) => [`t${seed}-${table}`, keys]))];
      return [name, renamed(inner, seed)];
    }),
  );
}

/** Sets and batches have no order, and DynamoDB says more than the model does. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, inner]) => {
        if (inner === undefined) return [];
        return [[name, name === "SS" ? (inner as string[]).toSorted() : comparable(inner)]];
      }),
  );
}
const byText = (items: readonly unknown[]): readonly unknown[] => items.map((item) => JSON.stringify(comparable(item))).toSorted();

function answerOf(command: string, answer: Record<string, unknown>): unknown {
  if (command === "BatchGetItemCommand") return byText(Object.values(answer["Responses"] as Record<string, unknown[]>).flat());
  const { Item, Items, Attributes, Count } = answer;
  return comparable({ Item, Items, Attributes, ...(command === "QueryCommand" && { Count }) });
}
const refusalOf = ({ name, Item, CancellationReasons }: Refusal): unknown =>
  comparable({ name, Item, reasons: CancellationReasons?.map(({ Code, Item: item }) => ({ Code, Item: item })) });

async function callsOf(seed: number): Promise<readonly Call[]> {
  const calls: Call[] = [];
  const { finding } = await simulate(drawPlan(seed, "aws"), undefined, (world) =>
    createAwsDeployment(world, (command, input, answer) => calls.push({ command, input: structuredClone(input) as Call["input"], answer })),
  );
  expect(finding).toBeUndefined();
  return calls;
}

it.each(SEEDS)("answers all calls of seed %i as a DynamoDB does", { timeout: 300_000 }, async (seed) => {
  const calls = await callsOf(seed);
  expect(calls.length).toBeGreaterThan(100);
  for (const name of NAMES) await client.send(new sdk.CreateTableCommand(describeTable(`t${seed}-${name}`, TABLES[name])));
  const commands = sdk as unknown as Readonly<Record<string, new (input: unknown) => never>>;
  for (const { command, input, answer } of calls) {
    const there = await client.send(new commands[command]!(renamed(input, seed))).then(
      (output: object) => answerOf(command, output as Record<string, unknown>),
      (error: Refusal) => refusalOf(error),
    );
    const here = answer instanceof Error ? refusalOf(answer) : answerOf(command, answer as Record<string, unknown>);
    expect(here, `${command} ${JSON.stringify(input)}`).toEqual(there);
  }
});
