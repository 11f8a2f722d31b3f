/**
 * Whether clients should be sent here: nothing when all is well, else what is wrong, by name. It looks at each call, so
 * what has been mended is no problem any more.
 */
import type { KeysCondition } from "@streamer/auth";
import type { Loop, Streamer } from "@streamer/core";
import type { Doors } from "./doors.ts";

interface Problem {
  /** "server", "store", "slots", "keys", "connections", "loop claim": stable, for whoever alarms on it. */
  readonly name: string;
  readonly message: string;
}

export interface ReadinessParts {
  /** False while starting and stopping. */
  readonly isServing: () => boolean;
  /** Why the store cannot be read or written, if so. */
  readonly storeRefusal: () => Promise<Error | undefined>;
  readonly loops: () => readonly Loop[];
  readonly health: Streamer["health"];
  readonly doors: Pick<Doors, "isFull">;
  /** Whether tokens can be verified. */
  readonly keys: () => KeysCondition;
}

const NO_KEYS: Problem = {
  name: "keys",
  message: "The key set could not be fetched yet: no token can be verified. It is tried again; the log says what is wrong.",
};
const ALL_TAKEN: Problem = { name: "connections", message: "All connections are taken: new ones are refused." };

export type Readiness = () => Promise<readonly Problem[]>;

/** A loop that has failed for less may be on its way back. */
const FAILING_LONG_MS = 30_000;

export function createReadiness({ isServing, storeRefusal, loops, health, doors, keys }: ReadinessParts): Readiness {
  return async () => {
    if (!isServing()) return [{ name: "server", message: "The server is starting or stopping." }];
    const refusal = await storeRefusal();
    return [
      ...(refusal ? [{ name: "store", message: `The store refuses writes: ${refusal.message}` }] : []),
      ...loops().flatMap((loop) => problemOf(loop)),
      ...slotProblems(health()),
      ...(keys() === "missing" ? [NO_KEYS] : []),
      ...(doors.isFull ? [ALL_TAKEN] : []),
    ];
  };
}

function slotProblems({ abandonedRuns, isLosingSlots }: ReturnType<Streamer["health"]>): readonly Problem[] {
  if (!isLosingSlots) return [];
  return [
    { name: "slots", message: `${abandonedRuns} runs have ended and their handlers have not: they heed no signal, and slots are lost.` },
  ];
}

// Why a round failed is for the log: it may name what strangers should not read.
function problemOf({ name, condition, succeededMsAgo }: Loop): readonly Problem[] {
  const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
  const since = succeededMsAgo === undefined ? "it never succeeded" : `it last succeeded ${seconds(succeededMsAgo)} ago`;
  switch (condition.state) {
    case "working":
      return [];
    case "stuck":
      return [{ name: `loop ${name}`, message: `A round has not ended for ${seconds(condition.forMs)}; ${since}.` }];
    case "failing": {
      const { forMs, failures } = condition;
      if (forMs < FAILING_LONG_MS) return [];
      return [{ name: `loop ${name}`, message: `It has failed ${failures} times in ${seconds(forMs)}; ${since}.` }];
    }
  }
}
