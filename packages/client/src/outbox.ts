/**
 * What may be unanswered at once: frames are kept until the server has answered them, so that they can be sent again,
 * and a client that cannot connect must not grow without end.
 */
import { StreamerError, aboutRequest } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";

export interface Outbox {
  /** Counts a frame in, and says whether that is one too many; it is counted until it is removed. */
  add(text: string): StreamerError | undefined;
  remove(text: string): void;
  /** Why the server would not take a frame. */
  refusal(text: string, requestId: string): StreamerError | undefined;
  /** The largest frame in bytes, as the server says. */
  setLimit(messageBytes: number): void;
}

const encoder = new TextEncoder();

export function createOutbox(limits: ResolvedOptions["outbox"]): Outbox {
  let messages = 0;
  let characters = 0;
  let largestBytes = Infinity;
  return {
    add(text) {
      messages += 1;
      characters += text.length;
      if (messages <= limits.messages && characters <= limits.characters) return undefined;
      return new StreamerError(
        "OUTBOX_FULL",
        `Not sent: ${messages - 1} messages wait for an answer; ${limits.messages}, or ${limits.characters} characters, are the limit. Await results first.`,
      );
    },
    remove(text) {
      messages -= 1;
      characters -= text.length;
    },
    refusal(text, requestId) {
      // A string's length is at most its bytes and at least a third of them: only the band between needs counting.
      if (text.length * 3 <= largestBytes) return undefined;
      const bytes = encoder.encode(text).length;
      if (bytes <= largestBytes) return undefined;
      const problem = `has ${bytes} bytes; the server takes ${largestBytes}. Upload the data and send where it is.`;
      return aboutRequest("PAYLOAD_TOO_LARGE", requestId, problem);
    },
    setLimit(messageBytes) {
      largestBytes = messageBytes;
    },
  };
}
