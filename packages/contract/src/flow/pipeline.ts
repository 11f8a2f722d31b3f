/**
 * The whole of Streamer on the engine under test: createStreamer, the pump that an engine's entry points are, and
 * clients in memory. One pipeline is one process; `die` ends it without a word and starts the next on the same store.
 */
import type { AnyHandler, Connection, Engine, Middleware, Owner, PartialOptions, Streamer } from "@streamer/core";
import { createStreamer } from "@streamer/core";
import { parseServerMessage, printMessage, type ClientMessage, type ServerMessage } from "@streamer/protocol";
import { withFaults, type Fault, type FaultyEngine, type PortCall } from "../faults.ts";
import { turnsOfTheLoop } from "../clock.ts";
import type { ClientEnd, Harness } from "../harness.ts";
import { ALICE } from "../samples.ts";

const STEP_MS = 50;
const RECOVER_EVERY_MS = 5_000;

export interface PipelineParts {
  readonly harness: Harness;
  readonly handlers: readonly AnyHandler[];
  readonly options?: PartialOptions;
  readonly middleware?: readonly Middleware[];
  readonly decide?: (call: PortCall) => Fault;
  /** In place of what the engine has. */
  readonly instead?: Partial<Engine>;
}

export interface Pipeline {
  readonly streamer: Streamer;
  readonly engine: FaultyEngine;
  /** `permissions`: what its token carries. */
  connect(owner?: Owner, permissions?: readonly string[]): Promise<FlowClient>;
  /** Lets everything that waits for no timer happen. */
  quiet(): Promise<void>;
  /** Lets time pass until the condition holds; throws after `withinMs` of it. A dead process waits for nothing. */
  until(what: string, condition: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>;
}

export interface FlowClient {
  readonly end: ClientEnd;
  /** Everything received, in order. */
  readonly received: readonly ServerMessage[];
  send(message: ClientMessage): Promise<void>;
  sendText(text: string): Promise<void>;
  /** The messages about one request that are part of its life (P5), in the order received. */
  story(requestId: string): readonly (ServerMessage & { readonly seq: number })[];
  last<T extends ServerMessage["type"]>(type: T): ServerMessage<T> | undefined;
}

export async function startPipeline({
  harness,
  handlers,
  options,
  middleware,
  decide = () => "none",
  instead = {},
}: PipelineParts): Promise<Pipeline> {
  const engine = withFaults({ ...harness.engine, ...instead }, decide);
  const work = (): void => {
    if (!engine.isDead) void streamer.work().catch(() => undefined);
  };
  const streamer = createStreamer({ engine, handlers, onSlotFree: work, ...(options && { options }), ...(middleware && { middleware }) });
  harness.onWake(work);
  let recoveredAt = harness.clock.monotonic();

  const quiet = async (): Promise<void> => {
    do await turnsOfTheLoop(4);
    while (engine.inFlight > 0);
  };
  void streamer.recover().catch(() => undefined);
  await quiet();
  work();
  await quiet();

  return {
    streamer,
    engine,
    quiet,
    connect: (owner = ALICE, permissions = []) => connect({ harness, streamer, engine }, { owner, permissions }),
    async until(what, condition, withinMs = 120_000) {
      for (let waitedMs = 0; ; waitedMs += STEP_MS) {
        await quiet();
        if (engine.isDead || (await condition())) return;
        if (waitedMs > withinMs) throw new Error(`${what}: not within ${withinMs} ms. Last calls: ${trail(engine)}`);
        await harness.clock.advance(STEP_MS);
        if (harness.clock.monotonic() - recoveredAt < RECOVER_EVERY_MS) continue;
        recoveredAt = harness.clock.monotonic();
        void streamer.recover().catch(() => undefined);
        work();
      }
    },
  };
}

const trail = (engine: FaultyEngine): string =>
  engine.calls
    .slice(-12)
    .map(({ verb }) => verb)
    .join(", ");

/** Turns without a call to the engine after which nothing more is to be expected: a process that died never answers. */
const SILENT_TURNS = 200;

async function answered(engine: FaultyEngine, answer: Promise<void>): Promise<void> {
  let isDone = false;
  const done = answer.finally(() => {
    isDone = true;
  });
  for (let silent = 0; !isDone && silent < SILENT_TURNS; silent = engine.inFlight > 0 ? 0 : silent + 1) {
    await Promise.race([done, turnsOfTheLoop(1)]);
  }
}

async function connect(
  { harness, streamer, engine }: { readonly harness: Harness; readonly streamer: Streamer; readonly engine: FaultyEngine },
  who: Pick<Connection, "owner" | "permissions">,
): Promise<FlowClient> {
  const end = await harness.connectClient();
  const { connectionId } = end;
  await answered(engine, Promise.resolve(streamer.connect({ connectionId, ...who, connectedAt: harness.clock.now() })));
  const read = (text: string): ServerMessage => {
    const parsed = parseServerMessage(text);
    if (!parsed.ok) throw new Error(`the server sent what is no message: ${parsed.error.message}\n${text.slice(0, 400)}`);
    return parsed.message;
  };
  const received = (): readonly ServerMessage[] => end.received.map(read);
  const sendText = (text: string): Promise<void> => answered(engine, Promise.resolve(streamer.receive(connectionId, text)));
  return {
    end,
    get received() {
      return received();
    },
    sendText,
    send: (message) => sendText(printMessage(message)),
    story: (requestId) => storyOf(received(), requestId),
    last: <T extends ServerMessage["type"]>(type: T) =>
      received().findLast((message): message is ServerMessage<T> => message.type === type),
  };
}

/** Snapshots carry the seq they were taken at, but are answers: they are no part of the story. */
export function storyOf(received: readonly ServerMessage[], requestId: string): readonly (ServerMessage & { readonly seq: number })[] {
  return received.filter(
    (message): message is ServerMessage & { readonly seq: number } =>
      "request_id" in message &&
      message.request_id === requestId &&
      "seq" in message &&
      message.seq !== undefined &&
      message.type !== "snapshot",
  );
}

/** A schema that takes anything: what a payload means is not this suite's matter. */
export const anything = {
  "~standard": { version: 1, vendor: "streamer-contract", validate: (value: unknown) => ({ value }) },
} as const;
