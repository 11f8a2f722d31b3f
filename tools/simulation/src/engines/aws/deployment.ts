/**
 * The AWS engine as it is deployed: its functions as they are, over models of what AWS runs between them. Tables, stream,
 * queues, bucket and gateway outlive every process; all that reaches them is a call of a process.
 */
import { someMs } from "../../chance.ts";
import type { Deployment } from "../../engine.ts";
import type { RequestKey } from "@streamer/core";
import type { SimulatedWorld } from "../../world.ts";
import { createBucket } from "./bucket.ts";
import { createContents } from "./contents.ts";
import { createDatabase } from "./dynamodb/database.ts";
import { createFeed, type Feed } from "./feed.ts";
import { declareFunctions, FUNCTION_NAMES, type FunctionName } from "./functions.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import { createFleet, type Fleet } from "./lambda.ts";
import { createQueue } from "./queue.ts";
import type { ServerSocket } from "../../engine.ts";

const MINUTE_MS = 60_000;
/** An asynchronous invocation for which there is no environment is tried again. */
const THROTTLED_MS = 1_000;

/** Is told of every call of the tables, and its answer: what a table answered, or the error it threw. */
export type Listener = (command: string, input: object, answer: object) => void;

export function createAwsDeployment(world: SimulatedWorld, listen?: Listener): Deployment {
  const { features } = world.plan;
  const chance = world.chance("aws");
  const happens = (name: string, rate: number): (() => boolean) => {
    const lots = world.chance(name);
    return () => features.has("refusals") && !world.faults.isHealed && lots.happens(rate);
  };
  const [isDoubled, isLost, isForgotten] = [happens("doubled", 0.1), happens("lost answers", 0.02), happens("forgotten", 0.1)];
  const callers = new Map<string, ServerSocket>();

  const bucket = createBucket();
  const database = createDatabase({
    onWritten: ({ table, before, after }) => {
      if (table !== "requests") return;
      const key = (after ?? before)?.["key"]?.S;
      if (key === undefined) return;
      feed.wrote(before, after);
      world.touched(key as RequestKey);
    },
    later: (_item, apply) => apply(),
  });
  const contents = createContents(database, bucket);

  const functions = declareFunctions(world, {
    services: {
      dynamodb: listen ? overheard(database.execute, listen) : database.execute,
      s3: bucket.execute,
      api: (command, input) => gateway.execute(command, input),
    },
    isLost,
    delay: (body, delayMs) => delays.send(body, delayMs),
    invokeWork: (event) => {
      for (let copies = isDoubled() ? 2 : 1; copies > 0; copies -= 1) world.clock.after(someMs(chance, 1, 500), () => void work(event));
    },
    caller: (connectionId) => callers.get(connectionId),
  });
  const fleets = Object.fromEntries(
    FUNCTION_NAMES.map((name) => [name, createFleet(world, name, functions[name], world.chance(`fleet of ${name}`))]),
  ) as unknown as Readonly<Record<FunctionName, Fleet>>;

  const { inlineSlots: workConcurrency = Infinity } = world.options;

  /** Its retries are the engine's own: a death is told to `wake`. */
  async function work(event: object): Promise<void> {
    if (fleets.work.running >= workConcurrency) return void world.clock.after(THROTTLED_MS * (1 + chance()), () => void work(event));
    const invoked = await fleets.work.invoke(event);
    if (invoked.outcome === "answered") return;
    const { requestId } = invoked;
    failures.send(JSON.stringify({ requestContext: { requestId }, requestPayload: event }), 0);
  }

  const take = async (messageId: string, body: string): Promise<boolean> => {
    const invoked = await fleets.wake.invoke({ Records: [{ messageId, body }] });
    return (
      invoked.outcome === "answered" && (invoked.value as { readonly batchItemFailures: readonly unknown[] }).batchItemFailures.length === 0
    );
  };
  const delays = createQueue(world, { name: "delay queue", chance: world.chance("delay queue"), take, isDoubled });
  const failures = createQueue(world, { name: "failed queue", chance: world.chance("failed queue"), take, isDoubled });
  const feed: Feed = createFeed(world, { chance: world.chance("stream"), dispatch: fleets.dispatch.invoke, isDoubled });
  const gateway: Gateway = createGateway(world, {
    routes: { connect: fleets.connect.invoke, message: fleets.message.invoke, disconnect: fleets.disconnect.invoke },
    isForgotten,
  });

  const sweep = (): void => {
    void fleets.sweep.invoke({});
    world.clock.after(MINUTE_MS, sweep);
  };

  return {
    ...contents,
    check: () => [],
    transport: "api-gateway",
    start: () => void world.clock.after(chance() * MINUTE_MS, sweep),
    get processes() {
      return world.living;
    },
    renew: () => {
      world.tell("aws", "has a new version");
      for (const fleet of Object.values(fleets)) fleet.renew();
    },
    connect: (socket) => {
      callers.set(socket.connectionId, socket);
      gateway.connect(socket);
    },
    receive: gateway.receive,
    disconnect: gateway.disconnect,
    drained: () => {},
    running: () => undefined,
    leaks: () => Object.values(fleets).flatMap((fleet) => fleet.leaks()),
    dispose: () => {
      for (const process of world.living) process.die();
    },
  };
}

const overheard =
  (execute: (command: string, input: object) => object, listen: Listener) =>
  (command: string, input: object): object => {
    try {
      const answer = execute(command, input);
      listen(command, input, answer);
      return answer;
    } catch (error) {
      listen(command, input, error as Error);
      throw error;
    }
  };
