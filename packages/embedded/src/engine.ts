/** The embedded engine: every port over one open data folder. Sockets attach to `channel`; the server does that. */
import { hash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Engine, Isolation, Log, RequestKey } from "@streamer/core";
import { createAnswers } from "./answers.ts";
import { createBlobs, type FileBlobs } from "./blobs.ts";
import { createChannel, type ChannelOptions, type SocketChannel } from "./channel.ts";
import { createConnections, type OpenConnections } from "./connections.ts";
import type { Database } from "./sqlite/database.ts";
import { createEvents } from "./events.ts";
import { createLinkSigner, type LinkSigner } from "./blobs/links.ts";
import { createRequests } from "./requests.ts";
import { createRunTimes } from "./run-times.ts";
import { createStore } from "./sqlite/store.ts";
import { createSubscriptions } from "./subscriptions.ts";
import { createWakeups, type ArmedWakeups } from "./wakeups.ts";

export interface EngineParts {
  readonly database: Database;
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Base URL of signed links, as the client of that connection reaches it: `http://host:port`. */
  readonly publicUrl: (connectionId?: string) => string;
  /** Called when a request may have become runnable, with its key when it is known. */
  readonly onRunnable: (key?: RequestKey) => void;
  readonly channel?: ChannelOptions;
  readonly isolation?: Isolation;
  readonly around?: Engine["around"];
}

export interface EmbeddedEngine extends Engine {
  readonly channel: SocketChannel;
  readonly connections: OpenConnections;
  readonly blobs: FileBlobs;
  readonly wakeups: ArmedWakeups;
  readonly links: LinkSigner;
  /** Why the store cannot be read or written, if so. */
  storeRefusal(): Promise<Error | undefined>;
  /** How many stored things were found damaged since the start. */
  damageCount(): number;
  /** Size of what the store has not folded back into its database yet: it grows while another program reads that. */
  walBytes(): number;
  /** Commits pending writes and closes the store. */
  close(): void;
}

export async function createEmbeddedEngine(parts: EngineParts): Promise<EmbeddedEngine> {
  const { database, dataFolder, clock, log, publicUrl, onRunnable, isolation, around } = parts;
  const store = createStore({ database, clock, log, onRunnable });
  const requests = createRequests(store);
  const wakeups = createWakeups({ clock, log, nextRunAt: () => requests.nextRunAt(), onWake: onRunnable });
  const links = createLinkSigner(dataFolder, publicUrl);
  const scratchFolder = join(dataFolder, "scratch");
  // What runs of a dead process left.
  rmSync(scratchFolder, { recursive: true, force: true });
  mkdirSync(scratchFolder, { recursive: true, mode: 0o700 });
  return {
    epoch: database.epoch,
    requests,
    answers: createAnswers(clock),
    runTimes: createRunTimes(store),
    events: createEvents(store),
    subscriptions: createSubscriptions(),
    connections: createConnections(),
    channel: createChannel(parts.channel),
    blobs: await createBlobs(store, dataFolder, links),
    wakeups,
    links,
    clock,
    log,
    ...(isolation && { isolation }),
    ...(around && { around }),
    digest: (text) => hash("sha256", text, "base64url"),
    scratch: async () => {
      const path = mkdtempSync(join(scratchFolder, "run-"));
      return { path, remove: () => rm(path, { recursive: true, force: true }) };
    },
    storeRefusal: store.refusal,
    damageCount: () => store.damage.count,
    walBytes: database.walBytes,
    close: () => {
      wakeups.close();
      store.close();
    },
  };
}
