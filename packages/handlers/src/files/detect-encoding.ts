/**
 * Which encoding a text file is in. A byte order mark says it; without one a file that is valid UTF-8 is UTF-8. What is
 * neither was most likely written by a program of Windows in Western Europe, and is taken for windows-1252 only if it
 * looks so: hardly any letter beyond ASCII beside another, and no byte that windows-1252 does not have. Otherwise nobody
 * can know, and the file is refused.
 */
import { isUtf8 } from "node:buffer";
import { UnreadableFile } from "./unreadable.ts";

export interface Detected {
  readonly encoding: string;
  /** Bytes of the byte order mark. */
  readonly mark: number;
  readonly by: "mark" | "content";
}

const MARKS: readonly { readonly bytes: readonly number[]; readonly encoding: string }[] = [
  { bytes: [0xef, 0xbb, 0xbf], encoding: "utf-8" },
  { bytes: [0xff, 0xfe, 0x00, 0x00], encoding: "utf-32" },
  { bytes: [0xff, 0xfe], encoding: "utf-16le" },
  { bytes: [0xfe, 0xff], encoding: "utf-16be" },
];
/** Not in windows-1252. */
const UNUSED = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);
/** More of the bytes beyond ASCII than this have another one behind them: not a Latin script. */
const MAX_NEIGHBOURS = 0.25;
/** Of a UTF-16 file without a mark, at least so many bytes at even or odd places are zero. */
const MIN_ZEROS = 0.3;
/** Bytes looked at to tell encodings without a mark apart. */
const HEAD_BYTES = 65_536;

/** `chunks` are read to their end only where nothing earlier decides. */
export async function detectEncoding(chunks: AsyncIterable<Buffer>, name: string): Promise<Detected> {
  let head: Buffer | undefined;
  let rest: Buffer = Buffer.alloc(0);
  const beyond = new BeyondAscii();
  for await (const chunk of chunks) {
    if (!head) {
      head = chunk;
      const found = byMark(chunk, name) ?? byZeros(chunk);
      if (found) return found;
    }
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = bytes.length - unfinished(bytes);
    beyond.look(bytes.subarray(0, whole));
    rest = bytes.subarray(whole);
  }
  if (rest.length > 0) beyond.look(rest);
  return { ...beyond.encoding(name), mark: 0, by: "content" };
}

/** What the byte order mark at the beginning of a file says, if it has one. */
export function byMark(head: Buffer, name: string): Detected | undefined {
  const found = MARKS.find(({ bytes }) => bytes.every((byte, at) => head[at] === byte));
  if (!found) return undefined;
  if (found.encoding === "utf-32") throw new UnreadableFile(`"${name}" is UTF-32, which is not read; save it as UTF-8`);
  return { encoding: found.encoding, mark: found.bytes.length, by: "mark" };
}

function byZeros(chunk: Buffer): Detected | undefined {
  const head = chunk.subarray(0, HEAD_BYTES);
  const zeros = [0, 0];
  for (let at = 0; at < head.length; at += 1) if (head[at] === 0) zeros[at % 2]! += 1;
  const least = (MIN_ZEROS * head.length) / 2;
  if (zeros[1]! > least && zeros[0]! < least / 10) return { encoding: "utf-16le", mark: 0, by: "content" };
  if (zeros[0]! > least && zeros[1]! < least / 10) return { encoding: "utf-16be", mark: 0, by: "content" };
  return undefined;
}

/** Bytes at the end that may begin a character of UTF-8 whose rest is in the next chunk. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back]!;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

/** What is known of the bytes beyond ASCII, counted only in pieces that are no UTF-8. */
class BeyondAscii {
  #high = 0;
  #neighbours = 0;
  #unused = false;
  /** Characters of several bytes that are UTF-8, in pieces with others that are none. */
  #sequences = 0;
  #broken = 0;

  look(piece: Buffer): void {
    if (isUtf8(piece)) return;
    for (let at = 0; at < piece.length; at += 1) {
      const byte = piece[at]!;
      if (byte < 0x80) continue;
      const length = sequenceAt(piece, at);
      if (length > 1) this.#sequences += 1;
      else this.#broken += 1;
      for (const end = at + length; at < end; at += 1) {
        this.#high += 1;
        if ((piece[at + 1] ?? 0) >= 0x80) this.#neighbours += 1;
        if (UNUSED.has(piece[at]!)) this.#unused = true;
      }
      at -= 1;
    }
  }

  encoding(name: string): Pick<Detected, "encoding"> {
    // Damaged here and there: the rows in question will be named.
    if (this.#broken === 0 || this.#sequences > this.#broken) return { encoding: "utf-8" };
    if (!this.#unused && this.#neighbours <= MAX_NEIGHBOURS * this.#high) return { encoding: "windows-1252" };
    throw new UnreadableFile(
      `"${name}" is not UTF-8, and which encoding it is in cannot be seen; name it, such as windows-1251, shift_jis or gb18030, or save the file as UTF-8`,
      "encoding",
    );
  }
}

/** Bytes of the character of UTF-8 that begins here; 1 where none does. */
function sequenceAt(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
  return length > 1 && isUtf8(bytes.subarray(at, at + length)) && at + length <= bytes.length ? length : 1;
}
