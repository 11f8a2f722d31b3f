/**
 * Answers in memory, for the reason connections are: a run that was not made durable cannot outlive this process. What runs
 * is held by name; what has ended is remembered in bounded memory (remembered.ts).
 */
import type { Answers, Asked, Beginning, Clock, RequestKey } from "@streamer/core";
import { createRememberedAnswers, type Remembered } from "./remembered.ts";

/** How long an answer is remembered: several reconnects of a client on a bad network. */
const REMEMBERED_MS = 60_000;

interface Running {
  readonly fingerprint: string;
  /** Who asked for it first, and who else. */
  readonly asker: string;
  others: Set<string> | undefined;
}

type There = Exclude<Beginning, { readonly outcome: "begun" }>;

export function createAnswers(clock: Pick<Clock, "monotonic">): Answers {
  const running = new Map<RequestKey, Running>();
  const remembered = createRememberedAnswers();

  const find = (key: RequestKey, asked: Asked): There | undefined => {
    const run = running.get(key);
    if (run) return join(run, asked);
    const ended = remembered.find(key, clock.monotonic());
    return ended && told(ended, asked);
  };

  return {
    begin: (key, asked) => {
      const there = find(key, asked);
      if (there) return there;
      running.set(key, { fingerprint: asked.fingerprint, asker: asked.connectionId, others: undefined });
      return BEGUN;
    },
    join: (key, asked) => find(key, asked) ?? NONE,
    end: (key, end) => {
      const run = running.get(key);
      if (!run) return [];
      running.delete(key);
      if (end.kind !== "forgotten") {
        const now = clock.monotonic();
        const text = end.kind === "answered" ? end.text : undefined;
        remembered.put(key, { fingerprint: run.fingerprint, text }, { now, until: now + REMEMBERED_MS });
      }
      return run.others ? Array.from(new Set([run.asker, ...run.others])) : [run.asker];
    },
  };
}

const BEGUN: Beginning = { outcome: "begun" };
const NONE = { outcome: "none" } as const;

function join(run: Running, { fingerprint, connectionId }: Asked): There {
  if (run.fingerprint !== fingerprint) return { outcome: "conflict" };
  (run.others ??= new Set()).add(connectionId);
  return { outcome: "joined" };
}

function told({ fingerprint, text }: Remembered, asked: Asked): There {
  if (fingerprint !== asked.fingerprint) return { outcome: "conflict" };
  return text === undefined ? { outcome: "durable" } : { outcome: "answered", text };
}
