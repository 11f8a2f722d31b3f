/**
 * JSON written piece by piece: of a model of a hundred megabytes neither its numbers as text nor the whole file are ever
 * in memory.
 */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PackedNumbers } from "@streamer/models";

export async function writeJson(path: string, value: unknown): Promise<void> {
  await pipeline(Readable.from(pieces(value)), createWriteStream(path));
}

/** As `JSON.stringify` prints it; only objects that hold packed numbers, at any depth, are taken apart. */
function* pieces(value: unknown): Generator<string, void> {
  if (value instanceof PackedNumbers) {
    yield '"';
    yield* value.pieces();
    yield '"';
  } else if (holdsPacked(value)) {
    let before = "{";
    for (const [key, one] of Object.entries(value)) {
      if (one === undefined) continue;
      yield `${before}${JSON.stringify(key)}:`;
      yield* pieces(one);
      before = ",";
    }
    yield before === "{" ? "{}" : "}";
  } else yield JSON.stringify(value);
}

const holdsPacked = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).some((one) => one instanceof PackedNumbers || holdsPacked(one));
