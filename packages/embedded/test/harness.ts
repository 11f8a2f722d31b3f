/** The embedded engine as the contract's tests want it: a fresh folder, a clock they move, clients kept in memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, type ClientEnd, type Harness } from "@streamer/contract";
import type { Log, RequestKey } from "@streamer/core";
import type { Wire } from "../src/channel.ts";
import { openDatabase, type Database } from "../src/sqlite/database.ts";
import { createEmbeddedEngine, type EmbeddedEngine } from "../src/engine.ts";
import { createHttpListener } from "../src/server/http.ts";
import { createRoutes } from "../src/server/routes.ts";

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The HTTP side of an engine that no flow is joined to: health and files. */
export const serveFiles = (engine: EmbeddedEngine): RequestListener =>
  createHttpListener({
    log: silent,
    base: "",
    allowedOrigins: [],
    routes: createRoutes({
      engine,
      readiness: async () => [],
      doors: { refused: { all: 0, address: 0, tenant: 0, user: 0 } },
      auth: { authenticate: () => Promise.reject(new Error("nobody is let in here")), keys: () => "ready" },
      isTooFar: () => false,
      describe: () => Promise.reject(new Error("there are no handlers here")),
    }),
  });

/** Small limits, so that tests of slow clients need not send megabytes. */
const CHANNEL = { softBufferBytes: 16_384, hardBufferBytes: 131_072 };

export async function createHarness(): Promise<Harness> {
  const dataFolder = await mkdtemp(join(tmpdir(), "streamer-contract-"));
  const clock = createManualClock();
  const listeners = new Set<(key: RequestKey | undefined) => void>();
  const cutters = new Set<() => void>();
  let engine: EmbeddedEngine;
  let database: Database;
  let clientCount = 0;
  const http = createServer((request, response) => serveFiles(engine)(request, response));
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
  // Links name a host of their own, as behind a proxy; only `download` knows where it really is.
  const publicUrl = "http://files.test";
  const listening = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  const open = async (): Promise<void> => {
    database = openDatabase(dataFolder);
    const onRunnable = (key?: RequestKey): void => {
      for (const listener of listeners) listener(key);
    };
    engine = await createEmbeddedEngine({
      database,
      dataFolder,
      clock,
      log: silent,
      publicUrl: () => publicUrl,
      onRunnable,
      channel: CHANNEL,
    });
    const next = await engine.requests.nextRunAt();
    if (next !== undefined) await engine.wakeups.at(next);
  };
  const die = (): void => {
    for (const cut of cutters) cut();
    cutters.clear();
    // Not `engine.close()`: what waits for its commit dies with the process.
    database.close();
  };
  await open();

  return {
    get engine() {
      return engine;
    },
    clock,
    restart: async () => {
      die();
      clock.restart();
      await open();
    },
    connectClient: async () => {
      clientCount += 1;
      const connectionId = `client-${clientCount}`;
      const { channel } = engine;
      const { wire, end, cut } = createPipe(connectionId, {
        drained: () => channel.drained(connectionId),
        gone: () => channel.detach(connectionId),
      });
      channel.attach(connectionId, wire);
      cutters.add(cut);
      return end;
    },
    download: async (url) => {
      const response = await fetch(url.replace(publicUrl, listening));
      return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
    },
    onWake: (listener) => void listeners.add(listener),
    dispose: async () => {
      die();
      http.closeAllConnections();
      await new Promise<void>((resolve) => void http.close(() => resolve()));
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

/** A socket in memory: while the client does not read, what is sent piles up, close frame included. */
function createPipe(connectionId: string, server: { drained(): void; gone(): void }): { wire: Wire; end: ClientEnd; cut(): void } {
  const received: string[] = [];
  let underway: (string | { readonly code: number; readonly reason: string })[] = [];
  let closed: ClientEnd["closed"];
  let isPaused = false;
  let isCut = false;
  const arrive = (): void => {
    if (isPaused || isCut) return;
    for (const item of underway) {
      if (typeof item === "string") received.push(item);
      else closed = item;
    }
    underway = [];
    server.drained();
  };
  const carry = (item: (typeof underway)[number]): void => {
    underway.push(item);
    arrive();
  };
  const cut = (): void => {
    isCut = true;
    server.gone();
  };
  return {
    cut,
    wire: {
      get bufferedBytes() {
        return underway.reduce((sum, item) => sum + (typeof item === "string" ? item.length : 0), 0);
      },
      send: carry,
      close: (code, reason) => carry({ code, reason }),
      cork: () => {},
      uncork: () => {},
    },
    end: {
      connectionId,
      received,
      get closed() {
        return closed;
      },
      pause: () => {
        isPaused = true;
      },
      resume: () => {
        isPaused = false;
        arrive();
      },
      vanish: cut,
    },
  };
}
