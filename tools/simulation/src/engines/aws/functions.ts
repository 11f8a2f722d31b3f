/** The seven functions as they are deployed, each environment over clients and a clock of its own. */
import { createConnect } from "@streamer/aws/entry/connect";
import { createDisconnect } from "@streamer/aws/entry/disconnect";
import { createDispatch } from "@streamer/aws/entry/dispatch";
import { createMessage } from "@streamer/aws/entry/message";
import { createSweep } from "@streamer/aws/entry/sweep";
import { createWake } from "@streamer/aws/entry/wake";
import { createWork } from "@streamer/aws/entry/work";
import { createMetrics, type DelayQueue } from "@streamer/aws";
import { assembleRuntime, type AnsweringRuntime, type Runtime, type RuntimeSlots } from "@streamer/aws/runtime";
import type { ServerSocket } from "../../engine.ts";
import type { SimulatedWorld } from "../../world.ts";
import { createClients, type Clients, type ClientsParts } from "./clients.ts";
import { TABLE_NAMES } from "./dynamodb/database.ts";
import type { Environment } from "./environment.ts";
import type { FunctionDeclaration, Instance } from "./lambda.ts";

export interface Outside extends Pick<ClientsParts, "services" | "isLost"> {
  /** Puts a message into the delay queue. */
  readonly delay: (body: string, delayMs: number) => void;
  /** Asks for an invocation of `work`. */
  readonly invokeWork: (event: object) => void;
  /** Who is at the other end of a connection that is being opened: its token was read. */
  readonly caller: (connectionId: string) => Pick<ServerSocket, "owner" | "permissions" | "expiresAt"> | undefined;
}

export const FUNCTION_NAMES = ["connect", "disconnect", "message", "dispatch", "work", "wake", "sweep"] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** As apps/infra/src/functions.ts has them. */
const TIMEOUTS_MS = {
  connect: 10_000,
  disconnect: 10_000,
  message: 29_000,
  dispatch: 30_000,
  work: 900_000,
  wake: 30_000,
  sweep: 55_000,
} as const;
const ANSWERS_ONLY: RuntimeSlots = { takesQueued: false };
const RUNS_ONE: RuntimeSlots = { takesQueued: true, inlineSlots: 1 };

export function declareFunctions(world: SimulatedWorld, outside: Outside): Readonly<Record<FunctionName, FunctionDeclaration>> {
  function clientsOf(environment: Environment): Clients {
    const { process } = environment;
    return createClients({
      environment,
      services: outside.services,
      isLost: outside.isLost,
      chance: world.chance(`retries of ${process.name}`),
      broken: (what) => world.broken("simulation", what),
      tell: (what) => world.tell(process.name, what),
    });
  }

  function runtimeOf({ process }: Environment, slots: RuntimeSlots, clients: Clients): AnsweringRuntime {
    const { clock, log, random, makeId } = process;
    const delayQueue: DelayQueue = {
      send: (message, delayMs) =>
        clients.reach("sqs.SendMessage", () => outside.delay(JSON.stringify(message), Math.max(0, Math.ceil(delayMs / 1_000)) * 1_000)),
    };
    const runtime = assembleRuntime({
      handlers: world.handlersOf(process),
      options: world.options,
      slots,
      engine: {
        tables: TABLE_NAMES,
        bucket: "files",
        epoch: "simulated",
        ...clients,
        delayQueue,
        clock,
        log,
        metrics: createMetrics(process.name, () => {}),
        chance: { random, makeId, makeSecret: makeId },
        pause: (ms) => new Promise((resolve) => void clock.after(ms, resolve)),
      },
    });
    const engine = { ...runtime.engine, scratch: async () => ({ path: "/nowhere", remove: async () => {} }) };
    return { ...runtime, engine };
  }

  const invokeWorkBy = (clients: Clients) => (event: object) => clients.reach("lambda.Invoke", () => outside.invokeWork(event));
  const instance = (handle: unknown, runtime?: Runtime): Instance => ({
    handle: handle as Instance["handle"],
    leaks: () => {
      const { runs = 0, abandonedRuns = 0 } = runtime?.streamer.health() ?? {};
      return [
        ...(runs > 0 ? [`${runs} runs are in progress`] : []),
        ...(abandonedRuns > 0 ? [`${abandonedRuns} handlers go on after their runs have ended`] : []),
      ];
    },
  });

  const starts: Readonly<Record<FunctionName, FunctionDeclaration["start"]>> = {
    connect: (environment) => {
      const { engine } = runtimeOf(environment, ANSWERS_ONLY, clientsOf(environment));
      return instance((event: { readonly requestContext: { readonly connectionId: string } }) => {
        const { connectionId } = event.requestContext;
        const authenticate = async () => {
          const { owner, permissions, expiresAt } = outside.caller(connectionId)!;
          return { ok: true, credential: owner, identity: { owner, permissions, ...(expiresAt !== undefined && { expiresAt }) } } as const;
        };
        const { connections, places, delayQueue, clock } = engine;
        const parts = { authenticate, connections, places, connectionsPerUser: 256, delayQueue, allowedOrigins: [], now: clock.now };
        return createConnect(parts)(event as never);
      });
    },
    disconnect: (environment) => instance(createDisconnect(runtimeOf(environment, ANSWERS_ONLY, clientsOf(environment)).engine)),
    message: (environment) => {
      const runtime = runtimeOf(environment, ANSWERS_ONLY, clientsOf(environment));
      return instance(createMessage(runtime), runtime);
    },
    dispatch: (environment) => instance(createDispatch(invokeWorkBy(clientsOf(environment)), environment.process.log)),
    work: (environment) => {
      const runtime = runtimeOf(environment, RUNS_ONE, clientsOf(environment));
      return instance(createWork(runtime), runtime);
    },
    wake: (environment) => {
      const clients = clientsOf(environment);
      const runtime = runtimeOf(environment, ANSWERS_ONLY, clients);
      return instance(createWake(runtime, invokeWorkBy(clients)), runtime);
    },
    sweep: (environment) => {
      const clients = clientsOf(environment);
      const runtime = runtimeOf(environment, ANSWERS_ONLY, clients);
      return instance(createSweep(runtime, invokeWorkBy(clients)), runtime);
    },
  };
  const declared = FUNCTION_NAMES.map((name) => [name, { timeoutMs: TIMEOUTS_MS[name], start: starts[name] }] as const);
  return Object.fromEntries(declared) as unknown as Readonly<Record<FunctionName, FunctionDeclaration>>;
}
