/**
 * Frames larger than a transport carries travel as parts: `part` frames that each hold a piece of the text of one frame.
 * Whoever reads joins them and reads the text as if it had come whole (docs/protocol.md §3.9).
 */
import type { ServerMessage } from "./messages.ts";

const bytes = new TextEncoder();
const sizeOf = (text: string): number => bytes.encode(text).length;
/** Room for everything of a part but its text. */
const ENVELOPE_BYTES = 256;

/** The texts of the frames that carry `text`: itself when it is small enough, else parts of at most `maxBytes` of UTF-8. */
export function splitIntoParts(text: string, maxBytes: number, makeId: () => string): readonly string[] {
  if (text.length * 3 <= maxBytes || sizeOf(text) <= maxBytes) return [text];
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    const piece = fittingPiece(text, from, maxBytes - ENVELOPE_BYTES);
    pieces.push(piece);
    from += piece.length;
  }
  const id = makeId();
  return pieces.map((piece, index) =>
    JSON.stringify({ type: "part", id, index, count: pieces.length, text: piece } satisfies ServerMessage<"part">),
  );
}

/** As much of the text as fits once it is printed in JSON, where quotes and escapes make it longer. Cuts no pair in two. */
function fittingPiece(text: string, from: number, maxBytes: number): string {
  for (let length = maxBytes; ;) {
    const end = from + length;
    const cutsPair = end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
    const piece = text.slice(from, cutsPair ? end - 1 : end);
    const printed = sizeOf(JSON.stringify(piece));
    if (printed <= maxBytes) return piece;
    length = Math.max(2, Math.floor((length * maxBytes) / printed) - 1);
  }
}

export interface PartJoiner {
  /** The whole text once its last part is in, in whatever order they come; else undefined. */
  join(part: ServerMessage<"part">): string | undefined;
}

/** Frames half arrived are bounded: of more than this at once the oldest is given up. */
const MAX_UNFINISHED = 64;

export function createPartJoiner(): PartJoiner {
  const unfinished = new Map<string, string[]>();
  return {
    join({ id, index, count, text }) {
      const pieces = unfinished.get(id) ?? [];
      unfinished.set(id, pieces);
      pieces[index] = text;
      if (Object.keys(pieces).length < count) {
        if (unfinished.size > MAX_UNFINISHED) unfinished.delete(unfinished.keys().next().value!);
        return undefined;
      }
      unfinished.delete(id);
      return pieces.join("");
    },
  };
}
