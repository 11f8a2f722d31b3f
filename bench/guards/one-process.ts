/**
 * Streamer as startServer joins it, without sockets and by a clock that is moved by hand: what it does for a request can be
 * counted exactly.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, turnsOfTheLoop, type ManualClock } from "@streamer/contract/clock";
import { createStreamer, type AnyHandler, type Log } from "@streamer/core";
import { createEmbeddedEngine, openDatabase } from "@streamer/embedded";
import { createPump } from "@streamer/embedded/entry/work";
import type { ClientMessage, ServerMessage } from "@streamer/protocol";

export interface OneProcess extends AsyncDisposable {
  readonly clock: ManualClock;
  /** What its one client has heard, since it was last asked. */
  heard(): readonly ServerMessage[];
  /** In one turn of the event loop. */
  send(messages: readonly ClientMessage<"request">[]): void;
  /** Lets time pass until the client has heard so many ends. */
  ends(count: number): Promise<void>;
}

const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const CLIENT = "client";
const OWNER = { tenantId: "bench", userId: "bench" };
const STEP_MS = 10;
const PATIENCE_MS = 60_000;

export async function startOneProcess(handlers: readonly AnyHandler[]): Promise<OneProcess> {
  const dataFolder = await mkdtemp(join(tmpdir(), "streamer-guards-"));
  const clock = createManualClock();
  let frames: string[] = [];
  let ended = 0;
  const engine = await createEmbeddedEngine({
    database: openDatabase(dataFolder),
    dataFolder,
    clock,
    log: SILENT,
    publicUrl: () => "http://nowhere.test",
    onRunnable: () => pump.nudge(),
  });
  const streamer = createStreamer({ handlers, engine, onSlotFree: () => pump.nudge(), random: () => 0.5 });
  const pump = createPump({ clock, log: SILENT, work: () => streamer.work() });
  engine.channel.attach(CLIENT, {
    bufferedBytes: 0,
    send(text) {
      frames.push(text);
      const { type } = JSON.parse(text) as ServerMessage;
      if (type === "complete") ended += 1;
    },
    close: (code, reason) => {
      throw new Error(`It closed the connection with ${code}: ${reason}`);
    },
    cork: () => {},
    uncork: () => {},
  });
  await streamer.recover();
  await streamer.connect({ connectionId: CLIENT, owner: OWNER, permissions: [], connectedAt: clock.now() });
  pump.nudge();
  await turnsOfTheLoop();
  frames = [];

  return {
    clock,
    heard() {
      const heard = frames.map((text) => JSON.parse(text) as ServerMessage);
      frames = [];
      return heard;
    },
    send(messages) {
      for (const message of messages) void streamer.receive(CLIENT, JSON.stringify(message));
    },
    async ends(count) {
      const from = ended;
      for (let waitedMs = 0; ended < from + count; waitedMs += STEP_MS) {
        if (waitedMs > PATIENCE_MS) throw new Error(`${ended - from} of ${count} requests ended.`);
        await clock.advance(STEP_MS);
      }
      await turnsOfTheLoop();
    },
    async [Symbol.asyncDispose]() {
      await streamer.stop(0);
      pump.stop();
      engine.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
