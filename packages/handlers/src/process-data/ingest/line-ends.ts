/** A copy of a text file whose lines end alike: DuckDB reads none that end in one way here and in another there. */
import { createReadStream, createWriteStream } from "node:fs";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

const RETURN = "\r";

export async function withEqualLineEnds(path: string, target: string, signal: AbortSignal): Promise<void> {
  const unpack = path.endsWith(".gz") ? [createGunzip()] : [];
  await pipeline([createReadStream(path), ...unpack, new LineFeeds(), createWriteStream(target, { mode: 0o600 })], { signal });
}

/** CRLF becomes LF, within cells too. Bytes are looked at as Latin-1: neither of the two is part of another character of UTF-8. */
class LineFeeds extends Transform {
  #held = "";

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: null, text: Buffer) => void): void {
    const text = this.#held + chunk.toString("latin1");
    this.#held = text.endsWith(RETURN) ? RETURN : "";
    done(null, Buffer.from((this.#held === "" ? text : text.slice(0, -1)).replaceAll("\r\n", "\n"), "latin1"));
  }

  override _flush(done: (error: null, text: Buffer) => void): void {
    done(null, Buffer.from(this.#held, "latin1"));
  }
}
