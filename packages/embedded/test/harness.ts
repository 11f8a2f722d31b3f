/**
 * The embedded engine as the contract wants it: a data folder of its own, a manual clock, sockets kept in memory.
 *
 * A death of the process is a copy of the folder as it stands at that moment, which is what the operating system would
 * have kept: the engine that "died" goes on with nobody listening, and the new one opens the copy.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, type ClientEnd, type Harness, type ManualClock } from "@streamer/contract";
import type { Log, RequestKey } from "@streamer/core";
import type { Wire } from "../src/channel.ts";
import { openDatabase } from "../src/database.ts";
import { createEmbeddedEngine, type EmbeddedEngine } from "../src/engine.ts";
import { FILES_PATH } from "../src/links.ts";

export async function createHarness(): Promise<Harness> {
  const clock = createManualClock();
  const folders = mkdtempSync(join(tmpdir(), "streamer-embedded-"));
  const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
  let wake: (key?: RequestKey) => void = () => {};
  let life = 0;
  let connections = 0;
  const folderOf = (number: number): string => join(folders, `life-${number}`);

  const start = (): Promise<EmbeddedEngine> => {
    const mine = life;
    return createEmbeddedEngine({
      database: openDatabase(folderOf(mine)),
      dataFolder: folderOf(mine),
      clock: ownClock(clock, () => mine === life),
      log,
      publicUrl: () => "http://127.0.0.1",
      onRunnable: (key) => {
        if (mine === life) wake(key);
      },
    });
  };
  let engine = await start();

  return {
    get engine() {
      return engine;
    },
    clock,
    async restart() {
      const dead = engine;
      cpSync(folderOf(life), folderOf(life + 1), { recursive: true, filter: (path) => !/lock\.db/.test(path) });
      life += 1;
      clock.restart();
      engine = await start();
      // As the server does when it starts.
      const next = await engine.requests.nextRunAt();
      if (next !== undefined) await engine.wakeups.at(next, "" as RequestKey);
      dead.close();
    },
    async connectClient() {
      connections += 1;
      return connectTo(engine, `connection-${connections}`);
    },
    async download(url) {
      const { pathname, searchParams } = new URL(url);
      const name = pathname.slice(FILES_PATH.length);
      const link = { name, expires: searchParams.get("expires") ?? "", signature: searchParams.get("signature") ?? "" };
      const file = engine.links.check(link, clock.now()) === "valid" ? await engine.blobs.find(name) : undefined;
      return file ? { status: 200, bytes: await readFile(file.path) } : { status: 403, bytes: new Uint8Array() };
    },
    onWake(listener) {
      wake = listener;
    },
    async dispose() {
      engine.close();
      rmSync(folders, { recursive: true });
    },
  };
}

const silent = (): void => {};

/** The dead process sees time stand still. */
function ownClock(clock: ManualClock, isAlive: () => boolean): ManualClock {
  return { ...clock, after: (ms, callback) => (isAlive() ? clock.after(ms, callback) : silent) };
}

function connectTo(engine: EmbeddedEngine, connectionId: string): ClientEnd {
  const received: string[] = [];
  let piled: string[] | undefined;
  let closed: ClientEnd["closed"];
  const wire: Wire = {
    get bufferedBytes() {
      return piled?.reduce((bytes, text) => bytes + text.length, 0) ?? 0;
    },
    send: (text) => (piled ?? received).push(text),
    cork: silent,
    uncork: silent,
    close: (code, reason) => {
      closed = { code, reason };
    },
  };
  engine.channel.attach(connectionId, wire);
  return {
    connectionId,
    received,
    get closed() {
      return closed;
    },
    pause: () => {
      piled ??= [];
    },
    resume: () => {
      received.push(...(piled ?? []));
      piled = undefined;
      engine.channel.drained(connectionId);
    },
    vanish: () => engine.channel.detach(connectionId),
  };
}
