/**
 * Numbers of a model in its JSON: base64 of their little-endian bytes. Exact to the last bit, a third of the size of
 * digits, and a forest of millions of nodes is one string instead of millions of values. Reading refuses a text that is
 * not whole numbers of the type, since a model file may have been cut or edited.
 */
import type { JsonObject } from "@streamer/protocol";

type Packable = Float64Array | Int32Array;

export const packNumbers = (numbers: Packable): string =>
  Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString("base64");

export const unpackFloats = (json: JsonObject, key: string): Float64Array => new Float64Array(bytesOf(json[key], key, 8));

export const unpackInts = (json: JsonObject, key: string): Int32Array => new Int32Array(bytesOf(json[key], key, 4));

export function readCount(json: JsonObject, key: string): number {
  const value = json[key];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw damaged(key);
  return value;
}

export function readNumber(json: JsonObject, key: string): number {
  const value = json[key];
  if (typeof value !== "number") throw damaged(key);
  return value;
}

/** A part that is an object itself. */
export function readObject(json: JsonObject, key: string): JsonObject {
  const value = json[key];
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw damaged(key);
  return value as JsonObject;
}

export const damaged = (key: string): RangeError => new RangeError(`The model file is damaged: "${key}" is not as it was written.`);

function bytesOf(value: JsonObject[string], key: string, width: number): ArrayBuffer {
  if (typeof value !== "string") throw damaged(key);
  const bytes = Buffer.from(value, "base64");
  if (bytes.length % width !== 0) throw damaged(key);
  // A copy: a small Buffer lies at any offset of a shared pool, a typed array needs an aligned one.
  return Uint8Array.from(bytes).buffer;
}
