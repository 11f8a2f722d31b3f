/**
 * A deployment of one process over its store, with all that wakes core in the embedded server: the same pump and sweep.
 * When the process dies another opens the store a while later, and clients connect again.
 */
import { createStreamer, type Connection, type Streamer } from "@streamer/core";
import { createPump, type Pump } from "@streamer/embedded/entry/work";
import { startSweep, type Sweep } from "@streamer/embedded/entry/sweep";
import { someMs } from "./chance.ts";
import type { BootedEngine, CreateStore, Deployment, Process, ServerSocket } from "./engine.ts";
import { throughWorld } from "./ports.ts";
import type { Feature } from "./plan.ts";
import type { SimulatedWorld } from "./world.ts";

const HINDERED: readonly Feature[] = ["refusals", "full-store", "slow-store", "pauses"];

interface Serving {
  readonly process: Process;
  readonly booted: BootedEngine;
  readonly streamer: Streamer;
  readonly pump: Pump;
  sweep: Sweep | undefined;
}

export function createOneProcess(world: SimulatedWorld, createStore: CreateStore): Deployment {
  const store = createStore();
  const chance = world.chance("supervisor");
  const sockets = new Map<string, ServerSocket>();
  const open = new Map<string, Connection>();
  const leaseMs = world.options.leaseMs!;
  /** Where no store refuses, and no process is away for longer than it has to stop. */
  const handsBack = !HINDERED.some((feature) => world.plan.features.has(feature));
  let living: Process | undefined;
  let serving: Serving | undefined;
  let isReady = false;

  const startLater = (): void => void world.clock.after(someMs(chance, 1, 3_000), start);

  function died(): void {
    [living, serving, isReady] = [undefined, undefined, false];
    store.die();
    for (const socket of sockets.values()) socket.cut();
    sockets.clear();
    open.clear();
    startLater();
  }

  async function boot(process: Process): Promise<void> {
    const { clock, log, random, makeId } = process;
    const booted = await world.outside(store.boot({ clock, log, random, channel: world.channel, onRunnable: () => pump.nudge() }));
    const engine = throughWorld(booted.engine, process, world);
    const streamer: Streamer = createStreamer({
      handlers: world.handlersOf(process),
      engine,
      options: world.options,
      random,
      makeId,
      onSlotFree: () => pump.nudge(),
    });
    const pump = createPump({ clock, log, work: () => streamer.work() });
    if (!process.isAlive) return;
    serving = { process, booted, streamer, pump, sweep: undefined };
    await streamer.recover();
    const swept = { clock, log, channel: engine.channel, connections: { all: open.values() }, walBytes: () => 0 };
    Object.defineProperty(swept.connections, "all", { get: () => open.values() });
    serving.sweep = startSweep(swept, streamer, leaseMs);
    const next = await engine.requests.nextRunAt();
    if (next !== undefined) await engine.wakeups.at(next, "" as never);
    isReady = true;
    pump.nudge();
    world.tell(process.name, "serves");
  }

  function start(): void {
    const process = world.spawn("server", died);
    living = process;
    boot(process).catch((error: unknown) => {
      world.tell(process.name, `could not start: ${String(error)}`);
      process.die();
    });
  }

  /** As the server's own stop does it, in its order. */
  async function stop({ process, booted, streamer, pump, sweep }: Serving, graceMs: number): Promise<void> {
    isReady = false;
    sweep?.stop();
    await streamer.stop(graceMs);
    pump.stop();
    if (handsBack)
      for (const { key } of store.all().filter(({ status }) => status === "PROCESSING"))
        world.broken("P13", `${key} was not handed back by ${process.name}, which has stopped`);
    for (const socket of sockets.values()) socket.close(1012, "server is stopping; connect again");
    booted.close();
    sockets.clear();
    process.die();
  }

  const within = (act: (now: Serving) => Promise<unknown>): void => {
    const now = serving;
    now?.process.enter(() => {
      act(now).catch(
        (error: unknown) => now.process.isAlive && world.broken("P12", `an entry point of ${now.process.name} rejected: ${String(error)}`),
      );
    });
  };

  return {
    transport: "socket",
    start,
    get processes() {
      return living ? [living] : [];
    },
    renew: (graceMs) => {
      if (!serving || !isReady) return;
      world.tell(serving.process.name, `is stopped, with ${graceMs} ms of grace`);
      void stop(serving, graceMs);
    },
    connect: (socket) => {
      if (!isReady || !serving) return socket.close(1012, "the server is starting or stopping");
      const { connectionId, owner, permissions, expiresAt } = socket;
      sockets.set(connectionId, socket);
      within(async ({ booted, streamer, process }) => {
        const connection = {
          connectionId,
          owner,
          permissions,
          connectedAt: process.clock.now(),
          ...(expiresAt !== undefined && { expiresAt }),
        };
        open.set(connectionId, connection);
        booted.attach(connectionId, socket);
        await streamer.connect(connection);
      });
    },
    receive: (connectionId, text) => within(async ({ streamer }) => streamer.receive(connectionId, text)),
    disconnect: (connectionId) => {
      if (!sockets.delete(connectionId)) return;
      within(async ({ booted, streamer }) => {
        open.delete(connectionId);
        booted.detach(connectionId);
        await streamer.disconnect(connectionId);
      });
    },
    drained: (connectionId) => within(async ({ booted }) => booted.drained(connectionId)),
    leaks: () => (serving ? leaksOf(serving) : ["no process serves"]),
    running: () => serving?.streamer.health(),
    read: store.read,
    all: store.all,
    blobs: store.blobs,
    check: store.check,
    dispose: store.dispose,
  };
}

function leaksOf({ booted, streamer, pump, sweep }: Serving): readonly string[] {
  const { runs, abandonedRuns } = streamer.health();
  const loops = [pump.loop, ...(sweep?.loops ?? [])].filter(({ condition }) => condition.state !== "working");
  return [
    ...(runs > 0 ? [`${runs} runs are in progress`] : []),
    ...(abandonedRuns > 0 ? [`${abandonedRuns} handlers go on after their runs have ended`] : []),
    ...loops.map(({ name, condition }) => `loop ${name} is ${condition.state}`),
    ...booted.leaks(),
  ];
}
