/**
 * The memory engine: every port of core in plain maps, the model that the others are held to. What is durable outlives a
 * process, in `data`; all else is of one process. No index, no file, no bound on memory: it is there to be right by reading.
 */
import { hash } from "node:crypto";
import type { Engine } from "@streamer/core";
import type { BootedEngine, BootParts, Contents, SimulatedStore } from "../../engine.ts";
import { createMemoryBlobs, type MemoryBlobs } from "../blobs.ts";
import { createAnswers } from "./answers.ts";
import { createChannel, type SocketChannel } from "./channel.ts";
import { createConnections } from "./connections.ts";
import { createContents } from "./contents.ts";
import { createData } from "./data.ts";
import { createEvents } from "./events.ts";
import { createInterventions } from "./interventions.ts";
import { createLeased } from "./leased.ts";
import { createReadings } from "./readings.ts";
import { createRunTimes } from "./run-times.ts";
import { openState, type OpenState } from "./state.ts";
import { createSubmit } from "./submit.ts";
import { createSubscriptions } from "./subscriptions.ts";
import { createWaits } from "./waits.ts";
import { createWakeups } from "./wakeups.ts";

export interface MemoryStore extends SimulatedStore {
  boot(parts: Omit<BootParts, "random">): Promise<BootedEngine & { readonly channel: SocketChannel }>;
  readonly files: MemoryBlobs;
}

export function createMemoryStore(): MemoryStore {
  const data = createData();
  const files = createMemoryBlobs();
  const contents: Omit<Contents, "blobs"> = createContents(data);
  let state: OpenState | undefined;
  let wakeups: ReturnType<typeof createWakeups> | undefined;

  const close = (commits: boolean): void => {
    wakeups?.close();
    state?.close(commits);
    [state, wakeups] = [undefined, undefined];
  };

  return {
    ...contents,
    files,
    blobs: files.keys,
    async boot({ clock, log, onRunnable, channel: limits }) {
      const opened = openState(data, clock, onRunnable);
      state = opened;
      const requests = {
        submit: createSubmit(opened),
        ...createLeased(opened),
        ...createInterventions(opened),
        ...createReadings(opened),
        ...createWaits(opened),
      };
      const [connections, subscriptions, answers] = [createConnections(), createSubscriptions(), createAnswers(clock)];
      const channel = createChannel(limits);
      wakeups = createWakeups(clock, opened.queue.nextRunAt, onRunnable);
      const engine: Engine = {
        epoch: "memory",
        requests,
        answers,
        runTimes: createRunTimes(opened),
        events: createEvents(data),
        subscriptions,
        connections,
        channel,
        blobs: files.port(clock),
        wakeups,
        clock,
        log,
        digest: (text) => hash("sha256", text, "base64url"),
        scratch: async () => ({ path: "/nowhere", remove: async () => {} }),
      };
      return {
        engine,
        channel,
        attach: channel.attach,
        drained: channel.drained,
        detach: channel.detach,
        leaks: () => [
          ...connections.all.map(({ connectionId }) => `connection ${connectionId} is registered`),
          ...(subscriptions.count > 0 ? [`${subscriptions.count} requests are followed`] : []),
          ...answers.running.map((key) => `${key} is being answered`),
        ],
        close: () => close(true),
      };
    },
    die: () => close(false),
    dispose: () => close(false),
  };
}
