/**
 * `streamer serve --watch`: this process watches, another serves. When a file of it changes the other is stopped as any
 * server is, which hands running work back, and a new one takes its port and its data folder. One that does not start
 * says why, and the next change is waited for.
 *
 *              changed                   ended                     ended with 0
 *   serving ────────────▶ restarting ──────────▶ serving   serving ────────────▶ (ends)
 *      │  ended with more                           ▲         │ asked             ▲
 *      └────────────────────▶ waiting ──────────────┘         └────────▶ ending ──┘ ended
 *                                       changed
 */
import { fork, type ChildProcess } from "node:child_process";
import { relative } from "node:path";
import { EXIT } from "../exit.ts";
import type { Terminal } from "../terminal.ts";
import { createWatchedFiles, type Watched } from "./watched-files.ts";

type Phase = "serving" | "restarting" | "waiting" | "ending";

/** What the serving process says of itself. */
type ServingMessage = { readonly type: "files"; readonly watched: Watched } | { readonly type: "ready"; readonly port: number };

/** Said to the serving process alone: which port the one before it was given, where any would do. */
export const WATCHED_FLAG = "--watched";

export interface WatchParts {
  readonly terminal: Terminal;
  /** The command line, without the program. */
  readonly args: readonly string[];
  /** Files that count before anything is loaded. */
  readonly watched: Watched;
  readonly onStop: (handle: (count: number) => void) => () => void;
}

/** Resolves with the exit code. */
export async function watchAndServe({ terminal, args, watched, onStop }: WatchParts): Promise<number> {
  const ended = Promise.withResolvers<number>();
  let phase: Phase = "serving";
  let child: ChildProcess | undefined;
  let port = 0;
  let startedAt = 0;

  const files = createWatchedFiles((path, what) => {
    if (phase === "waiting") start(path);
    else if (phase === "serving" && what === "known") {
      terminal.note(`${relative(process.cwd(), path)} has changed: restarting.`);
      phase = "restarting";
      stopServing();
    }
  });

  const stopServing = (): void => {
    // It may have ended already; then its end comes as well.
    if (child?.connected) child.send({ type: "stop" });
  };

  const onMessage = (message: ServingMessage): void => {
    if (message.type === "files") files.add(message.watched, startedAt);
    else port = message.port;
  };

  const onEnd = (code: number): void => {
    child = undefined;
    if (phase === "restarting") start();
    else if (phase === "ending" || code === EXIT.done) ended.resolve(code);
    else {
      phase = "waiting";
      terminal.note(`The server ended with exit code ${code}. Waiting for a change.`);
    }
  };

  function start(because?: string): void {
    if (because !== undefined) terminal.note(`${relative(process.cwd(), because)} has changed: starting.`);
    phase = "serving";
    startedAt = Date.now();
    // In a group of its own: a Ctrl-C is for this process, which passes it on once.
    const serving = fork(process.argv[1]!, [...args, WATCHED_FLAG, String(port)], { detached: true });
    child = serving;
    serving.on("message", (message) => onMessage(message as ServingMessage));
    // Killed by somebody: as good as broken.
    serving.once("exit", (code) => onEnd(code ?? EXIT.failed));
  }

  const stopListening = onStop((count) => {
    if (!child) return ended.resolve(EXIT.done);
    phase = "ending";
    if (count > 1) child.kill("SIGKILL");
    else stopServing();
  });
  files.add(watched, Date.now());
  start();
  try {
    return await ended.promise;
  } finally {
    stopListening();
    files.close();
  }
}

/** The serving process's side: what it tells, and how it is told to stop. */
export interface Watcher {
  tell(message: ServingMessage): Promise<void>;
  /** Calls `handle` when it is to stop, or when who watches has gone. */
  onStop(handle: () => void): void;
}

export const watcher: Watcher = {
  tell: (message) => new Promise((resolve) => void process.send?.(message, () => resolve())),
  onStop(handle) {
    process.once("message", handle);
    process.once("disconnect", handle);
    // Neither keeps a process that is done.
    process.channel?.unref();
  },
};
