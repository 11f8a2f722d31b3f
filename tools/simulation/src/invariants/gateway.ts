/** What an API gateway makes of frames (docs/protocol.md §11): parts of larger ones, and a word of its own where a function failed. */
import { createPartJoiner, parseServerMessage } from "@streamer/protocol";

export type Heard =
  | { readonly kind: "frame"; readonly text: string }
  /** More of it is to come. */
  | { readonly kind: "part" }
  /** The answer to a push was lost, and the push repeated. */
  | { readonly kind: "repeated" }
  /** Some frame of the client's was not dealt with, and nobody says which. */
  | { readonly kind: "failure" };

/** They may come again anyway: events, told apart by their seq, and remembered answers. */
const MAY_REPEAT = /^\{"type":"response"|"seq":\d+,"timestamp":\d+\}$/;

export function createListener(transport: "socket" | "api-gateway"): (text: string) => Heard {
  if (transport === "socket") return (text) => ({ kind: "frame", text });
  const joiner = createPartJoiner();
  const heard = new Set<string>();
  return (text) => {
    if (text.startsWith('{"message":')) return { kind: "failure" };
    if (!MAY_REPEAT.test(text)) {
      if (heard.has(text)) return { kind: "repeated" };
      heard.add(text);
    }
    if (!text.startsWith('{"type":"part"')) return { kind: "frame", text };
    const parsed = parseServerMessage(text);
    if (!parsed.ok || parsed.message.type !== "part") return { kind: "frame", text };
    const whole = joiner.join(parsed.message);
    return whole === undefined ? { kind: "part" } : { kind: "frame", text: whole };
  };
}
