/** What is asked for, and what must have come of it. */
import type { ClientMessage, JsonValue } from "@streamer/protocol";
import { largeText } from "./handlers.ts";

const KINDS = ["quick", "steady", "chatty", "rows", "saves", "flaky", "held", "large", "delayed"] as const;
export type Kind = (typeof KINDS)[number];

export interface Wish {
  readonly id: string;
  readonly kind: Kind;
  readonly frame: ClientMessage<"request">;
  /** It is cancelled so long after it was asked for. */
  readonly cancelAfterMs?: number;
  /** What is wrong with its result, if something is. */
  wrong(result: JsonValue | undefined): string | undefined;
}

const CANCEL_WITHIN_MS = 1_500;
const DELAY_WITHIN_MS = 3_000;

export function wishOf(kind: Kind, { id, n, random }: { readonly id: string; readonly n: number; readonly random: () => number }): Wish {
  const action = kind === "delayed" ? "steady" : kind;
  const options = kind === "delayed" ? { delay_ms: Math.round(random() * DELAY_WITHIN_MS) } : undefined;
  return {
    id,
    kind,
    frame: { type: "request", id, action, payload: { n }, ...(options && { options }) },
    ...(kind === "held" && { cancelAfterMs: Math.round(random() * CANCEL_WITHIN_MS) }),
    wrong: (result) => {
      if (kind === "held") return "it was cancelled, and is complete";
      const { n: told, ...rest } = (result ?? {}) as Readonly<Record<string, JsonValue>>;
      if (told !== n) return `its result is ${JSON.stringify(result)?.slice(0, 100)}, not of ${n}`;
      if (kind === "large" && rest["text"] !== largeText(n)) return "its large result is not what the handler gave";
      if (kind !== "saves") return undefined;
      const by = rest["by"] as readonly number[];
      const isInOrder = by.length === 6 && by.every((attempt, step) => step === 0 || attempt >= by[step - 1]!);
      return isInOrder ? undefined : `its steps were done by attempts ${by.join(", ")}: six in rising order were to be`;
    },
  };
}

/** As many as asked for, every kind in turn, in an order that the seed decides. */
export function wishesOf(count: number, { prefix, random }: { readonly prefix: string; readonly random: () => number }): readonly Wish[] {
  const from = Math.floor(random() * KINDS.length);
  return Array.from({ length: count }, (_, n) => wishOf(KINDS[(from + n) % KINDS.length]!, { id: `${prefix}-${n}`, n, random }));
}
