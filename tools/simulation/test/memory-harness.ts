/** The memory engine as the contract's tests want it: its data outlives its processes, clients are kept in memory. */
import { createManualClock, type ClientEnd, type Harness } from "@streamer/contract";
import type { Log, RequestKey } from "@streamer/core";
import type { BootedEngine } from "../src/engine.ts";
import { createMemoryStore } from "../src/engines/memory/store.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Small limits, so that tests of slow clients need not send megabytes. */
const CHANNEL = { softBufferBytes: 16_384, hardBufferBytes: 131_072 };

export async function createHarness(): Promise<Harness> {
  const store = createMemoryStore();
  const clock = createManualClock();
  const listeners = new Set<(key: RequestKey | undefined) => void>();
  const cutters = new Set<() => void>();
  let booted: BootedEngine;
  let clientCount = 0;

  const open = async (): Promise<void> => {
    const onRunnable = (key?: RequestKey): void => {
      for (const listener of listeners) listener(key);
    };
    booted = await store.boot({ clock, log: silent, channel: CHANNEL, onRunnable });
    const next = await booted.engine.requests.nextRunAt();
    if (next !== undefined) await booted.engine.wakeups.at(next, "" as RequestKey);
  };
  const die = (): void => {
    for (const cut of cutters) cut();
    cutters.clear();
    store.die();
  };
  await open();

  return {
    get engine() {
      return booted.engine;
    },
    clock,
    restart: async () => {
      die();
      clock.restart();
      await open();
    },
    connectClient: async () => {
      clientCount += 1;
      const { end, cut } = attach(booted, `client-${clientCount}`);
      cutters.add(cut);
      return end;
    },
    download: async (url) => {
      const bytes = store.files.download(url, clock.now());
      return { status: bytes ? 200 : 404, bytes: bytes ?? new Uint8Array() };
    },
    onWake: (listener) => void listeners.add(listener),
    dispose: async () => die(),
  };
}

/** A socket in memory: while the client does not read, what is sent piles up, close frame included. */
function attach(server: BootedEngine, connectionId: string): { readonly end: ClientEnd; readonly cut: () => void } {
  const received: string[] = [];
  let underway: (string | { readonly code: number; readonly reason: string })[] = [];
  let closed: ClientEnd["closed"];
  let isPaused = false;
  const lost = new AbortController();
  const arrive = (): void => {
    if (isPaused || lost.signal.aborted) return;
    for (const item of underway.splice(0)) {
      if (typeof item === "string") received.push(item);
      else closed = item;
    }
    server.drained(connectionId);
  };
  const carry = (item: (typeof underway)[number]): void => {
    underway.push(item);
    arrive();
  };
  const cut = (): void => {
    lost.abort();
    server.detach(connectionId);
  };
  server.attach(connectionId, {
    connectionId,
    owner: { tenantId: "acme", userId: "alice" },
    permissions: [],
    get bufferedBytes() {
      return underway.reduce((sum, item) => sum + (typeof item === "string" ? item.length : 0), 0);
    },
    send: carry,
    close: (code, reason) => carry({ code, reason }),
    cork: () => {},
    uncork: () => {},
    cut,
  });
  return {
    cut,
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
