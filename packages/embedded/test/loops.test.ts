/** The background work of a server, each with the failure that once ended it. */
import { createManualClock, turnsOfTheLoop } from "@streamer/contract";
import { expect, it, vi } from "vitest";
import type { Streamer } from "@streamer/core";
import type { EmbeddedEngine } from "../src/engine.ts";
import { startSweep } from "../src/server/entry/sweep.ts";
import { createPump } from "../src/server/entry/work.ts";
import { createWakeups } from "../src/wakeups.ts";
import { silent } from "./harness.ts";

const nothing = { claimed: 0, ended: Promise.resolve() };

it("P2 the pump claims again after a claim that failed while another was asked for", async () => {
  const clock = createManualClock();
  let isFull = true;
  const work = vi.fn<() => Promise<typeof nothing>>(async () => {
    await turnsOfTheLoop(2);
    if (isFull) throw new Error("disk full");
    return nothing;
  });
  const { nudge, stop, loop } = createPump({ clock, log: silent, work });
  nudge();
  await turnsOfTheLoop(1);
  nudge();
  await clock.advance(0);
  expect(work).toHaveBeenCalledTimes(1);
  isFull = false;
  await clock.advance(1_000);
  expect(work).toHaveBeenCalledTimes(2);
  expect(loop.condition).toEqual({ state: "working" });
  nudge();
  nudge();
  await clock.advance(0);
  expect(work).toHaveBeenCalledTimes(3);
  stop();
});

it("P9 wakeups go on after the store could not say what comes next", async () => {
  const clock = createManualClock();
  const onWake = vi.fn<() => void>();
  let answers: (number | Error)[] = [];
  const nextRunAt = async (): Promise<number | undefined> => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const wakeups = createWakeups({ clock, log: silent, nextRunAt, onWake });
  answers = [new Error("unreadable"), clock.now() + 30_000];
  await wakeups.at(clock.now() + 1_000);
  await clock.advance(1_000);
  expect(onWake).toHaveBeenCalledTimes(1);
  expect(wakeups.loop.condition).toMatchObject({ state: "failing" });
  await clock.advance(1_000);
  expect(onWake).toHaveBeenCalledTimes(2);
  await clock.advance(28_000);
  expect(onWake).toHaveBeenCalledTimes(3);
  wakeups.close();
});

it("P2 P9 wakes once a minute though nothing is due later: a wall clock set back makes what was due late again", async () => {
  const clock = createManualClock();
  const runAt = clock.now() + 10_000;
  const due: number[] = [];
  // As the store says it: what is due already is nothing that comes next.
  const nextRunAt = async (): Promise<number | undefined> => (runAt > clock.now() ? runAt : undefined);
  const wakeups = createWakeups({ clock, log: silent, nextRunAt, onWake: () => void due.push(runAt - clock.now()) });
  await wakeups.at(runAt);
  await clock.advance(10_000);
  expect(due).toEqual([0]);
  clock.jump(-90_000);
  await clock.advance(120_000);
  expect(due.filter((ms) => ms <= 0)).toHaveLength(2);
  expect(clock.timers).toBeGreaterThan(0);
  wakeups.close();
  expect(clock.timers).toBe(0);
});

it("P7 sweeps go on after any failure, purge what they can, and warn of a write-ahead log that grows", async () => {
  const clock = createManualClock();
  const lines: string[] = [];
  const note = (_: object, message: string): void => void lines.push(message);
  let walBytes = 300_000_000;
  const engine = {
    clock,
    log: { debug: note, info: note, warn: note, error: note },
    channel: {},
    connections: { all: [] },
    walBytes: () => walBytes,
  } as unknown as EmbeddedEngine;
  const calls = { tellWaits: 0, recover: 0, purge: 0 };
  const fails = (name: keyof typeof calls) => async (): Promise<never> => {
    calls[name] += 1;
    throw new Error("the disk is away");
  };
  const streamer = { tellWaits: fails("tellWaits"), recover: fails("recover"), purge: fails("purge") } as unknown as Streamer;
  const sweep = startSweep(engine, streamer, 30_000);
  await clock.advance(120_000);
  expect(lines.filter((line) => line.includes("write-ahead log"))).toHaveLength(2);
  walBytes = 1;
  await clock.advance(600_000);
  expect(lines.filter((line) => line.includes("write-ahead log"))).toHaveLength(2);
  expect(calls.tellWaits).toBeGreaterThan(20);
  expect(calls.recover).toBeGreaterThan(20);
  expect(calls.purge).toBe(2);
  const failing = sweep.loops.filter(({ condition }) => condition.state === "failing").map(({ name }) => name);
  // What cannot be forgotten is in the log, and keeps nobody from being served.
  expect(failing).toEqual(["waits", "recover"]);
  expect(lines.filter((line) => line.includes("past its retention"))).toHaveLength(2);
  sweep.stop();
});
