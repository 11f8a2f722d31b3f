/**
 * Numbers of a model in its JSON: base64 of their little-endian bytes. Exact to the last bit, a third of the size of
 * digits, and a forest of millions of nodes is one string instead of millions of values. They become text only as they
 * are written, piece by piece: a model that is kept or stored is in memory once. Reading refuses a text that is not whole
 * numbers of the type, since a model file may have been cut or edited.
 */
import type { JsonObject } from "@streamer/protocol";

type Packable = Float64Array | Int32Array;

/** What a model prints as: JSON, but for numbers that are text only when they are written. */
export type ModelJson = { readonly [key: string]: JsonObject[string] | PackedNumbers | ModelJson | readonly ModelJson[] | undefined };

/** Bytes of one piece: whole numbers, and whole groups of three bytes, so that pieces are one text when joined. */
const PIECE_BYTES = 3 * 65_536;

export class PackedNumbers {
  readonly #bytes: Buffer;

  constructor({ buffer, byteOffset, byteLength }: Packable) {
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength);
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  *pieces(): Generator<string, void> {
    for (let from = 0; from < this.#bytes.byteLength; from += PIECE_BYTES)
      yield this.#bytes.subarray(from, from + PIECE_BYTES).toString("base64");
  }

  toJSON(): string {
    return this.#bytes.toString("base64");
  }
}

export const packNumbers = (numbers: Packable): PackedNumbers => new PackedNumbers(numbers);

export const unpackFloats = (json: ModelJson, key: string): Float64Array => new Float64Array(bytesOf(json[key], key, 8));

export const unpackInts = (json: ModelJson, key: string): Int32Array => new Int32Array(bytesOf(json[key], key, 4));

export function readCount(json: ModelJson, key: string): number {
  const value = json[key];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw damaged(key);
  return value;
}

export function readNumber(json: ModelJson, key: string): number {
  const value = json[key];
  if (typeof value !== "number") throw damaged(key);
  return value;
}

/** A part that is an object itself. */
export function readObject(json: ModelJson, key: string): ModelJson {
  const value = json[key];
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw damaged(key);
  return value as ModelJson;
}

export const damaged = (key: string): RangeError => new RangeError(`The model file is damaged: "${key}" is not as it was written.`);

function bytesOf(packed: ModelJson[string], key: string, width: number): ArrayBuffer {
  const value = packed instanceof PackedNumbers ? packed.toJSON() : packed;
  if (typeof value !== "string") throw damaged(key);
  const bytes = Buffer.from(value, "base64");
  if (bytes.length % width !== 0) throw damaged(key);
  // A copy: a small Buffer lies at any offset of a shared pool, a typed array needs an aligned one.
  return Uint8Array.from(bytes).buffer;
}
