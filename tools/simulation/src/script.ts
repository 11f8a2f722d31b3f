/** What a request's handler will do: drawn by whoever asks, and sent along as the payload. */
import type { JsonObject } from "@streamer/protocol";
import { someMs, type Chance } from "./chance.ts";
import type { Plan } from "./plan.ts";

export type Step =
  | { readonly do: "sleep"; readonly ms: number }
  | { readonly do: "report"; readonly percentage: number; readonly stage?: string }
  | { readonly do: "partial"; readonly stream: string }
  | { readonly do: "checkpoint" }
  | { readonly do: "file"; readonly name: string };

const PLAIN_ENDS = ["value", "value", "value", "value", "undefined", "throw", "fatal"] as const;
const ODD_ENDS = [
  "nan",
  "huge",
  "bigint",
  "circular",
  "throw-null-prototype",
  "throw-string",
  "throw-undefined",
  "throw-circular",
  "throw-dom-exception",
  "throw-huge-message",
  "retry-after",
  "retry-after-nan",
  "file-link",
] as const;
export type End = (typeof PLAIN_ENDS)[number] | (typeof ODD_ENDS)[number];

export interface Script {
  /** Whose request it is, for whoever reads its result. */
  readonly who: string;
  readonly id: string;
  readonly steps: readonly Step[];
  readonly end: End;
  /** So many attempts fail first. */
  readonly failures: number;
  /** Whether it stops when its signal says so. */
  readonly heeds: boolean;
  /** Waits until what it says is stored, as it should. */
  readonly awaits: boolean;
  /** Goes on talking after its end. */
  readonly talksOn: boolean;
  readonly mutates: boolean;
}

export const ACTIONS = ["quick", "slow", "learned", "guessed", "limited", "once", "forbidden"] as const;
export type Action = (typeof ACTIONS)[number];

export function drawScript(chance: Chance, { features }: Plan, about: { readonly who: string; readonly id: string }): Script {
  const longestMs = features.has("long-runs") ? 20_000 : 1_500;
  const steps = Array.from({ length: chance.below(7) }, (): Step => {
    switch (chance.below(8)) {
      case 0:
      case 1:
      case 2:
        return { do: "sleep", ms: someMs(chance, 1, longestMs) };
      case 3:
      case 4:
        return { do: "report", percentage: chance.within(-5, 110), ...(chance.happens(0.3) && { stage: `stage ${chance.below(3)}` }) };
      case 5:
        return { do: "partial", stream: chance.oneOf(["rows", "tokens"]) };
      case 6:
        return { do: "checkpoint" };
      default:
        return { do: "file", name: chance.oneOf(["a.txt", "b.txt"]) };
    }
  });
  return {
    ...about,
    steps,
    end: features.has("odd-ends") && chance.happens(0.4) ? chance.oneOf(ODD_ENDS) : chance.oneOf(PLAIN_ENDS),
    failures: chance.happens(0.25) ? chance.within(1, 3) : 0,
    heeds: !features.has("deaf-handlers") || chance.happens(0.6),
    awaits: chance.happens(0.7),
    talksOn: chance.happens(0.1),
    mutates: chance.happens(0.1),
  };
}

export const payloadOf = (script: Script): JsonObject => JSON.parse(JSON.stringify(script)) as JsonObject;
