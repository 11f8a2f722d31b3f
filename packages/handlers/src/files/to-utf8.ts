/** A text file as UTF-8 without a byte order mark, as DuckDB reads it; one that is so already is left alone. In bounded memory. */
import { createReadStream, createWriteStream } from "node:fs";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { byMark, detectEncoding, type Detected } from "./detect-encoding.ts";
import { decoderOf } from "./encodings.ts";
import { UnreadableFile } from "./unreadable.ts";

export interface TextTerms {
  readonly path: string;
  /** As the user named it. */
  readonly name: string;
  /** Of `ENCODINGS`; detected when absent. */
  readonly encoding: string | undefined;
  /** Written where the text has to be copied. */
  readonly target: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface Utf8File {
  /** The file itself, or `target`. */
  readonly path: string;
  /** What it was in. */
  readonly encoding: string;
  readonly detected: "given" | "mark" | "content";
}

export async function toUtf8(terms: TextTerms): Promise<Utf8File> {
  const { path, encoding: given } = terms;
  const { encoding, mark, by } = await reading(terms, (chunks) =>
    given === undefined ? detectEncoding(chunks, terms.name) : asGiven(chunks, terms),
  );
  const isPlain = encoding === "utf-8" && mark === 0;
  return {
    path: isPlain ? path : await copied(terms, decoderOf(encoding)),
    encoding: given ?? encoding,
    detected: given === undefined ? by : "given",
  };
}

/** As the request has it; a mark is looked at to tell the two kinds of UTF-16 apart, and to leave it out. */
async function asGiven(chunks: AsyncIterable<Buffer>, { name, encoding }: TextTerms): Promise<Detected> {
  for await (const head of chunks) {
    const found = byMark(head, name);
    if (found && (found.encoding === encoding || (encoding === "utf-16" && found.encoding.startsWith("utf-16")))) return found;
    break;
  }
  if (encoding === "utf-16")
    throw new UnreadableFile(`"${name}" does not show whether it is utf-16le or utf-16be; name one of them`, "encoding");
  return { encoding: encoding!, mark: 0, by: "content" };
}

async function reading<T>({ path, name, signal }: TextTerms, look: (chunks: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
  const source = bytesOf(path, signal);
  try {
    return await look(source as AsyncIterable<Buffer>);
  } catch (error) {
    signal.throwIfAborted();
    if (!isBrokenArchive(error)) throw error;
    throw new UnreadableFile(`"${name}" cannot be unpacked: it is no gzip file, or damaged; pack it anew`);
  } finally {
    source.destroy();
  }
}

const isBrokenArchive = (error: unknown): boolean => String((error as NodeJS.ErrnoException).code).startsWith("Z_");

function bytesOf(path: string, signal: AbortSignal): NodeJS.ReadableStream & { destroy(error?: Error): unknown } {
  const raw = createReadStream(path, { signal, highWaterMark: 1_048_576 });
  if (!path.endsWith(".gz")) return raw;
  const unpacked = raw.pipe(createGunzip({ chunkSize: 1_048_576 }));
  raw.on("error", (error) => unpacked.destroy(error));
  return unpacked.on("close", () => raw.destroy());
}

async function copied({ path, name, target, maxBytes, signal }: TextTerms, decoder: string): Promise<string> {
  await pipeline(bytesOf(path, signal), new Decoding(name, decoder, maxBytes), createWriteStream(target, { mode: 0o600 }), { signal });
  return target;
}

class Decoding extends Transform {
  readonly #decoder: TextDecoder;
  readonly #refuse: () => UnreadableFile;
  readonly #tooLarge: () => UnreadableFile;
  #left: number;

  constructor(name: string, encoding: string, maxBytes: number) {
    super();
    this.#decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: false });
    this.#refuse = () =>
      new UnreadableFile(`"${name}" is not ${encoding} throughout: it holds bytes that mean nothing in it; name another`, "encoding");
    this.#tooLarge = () => new UnreadableFile(`"${name}" is more than ${maxBytes.toLocaleString("en-US")} bytes as UTF-8; split it`);
    this.#left = maxBytes;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#write(done, () => this.#decoder.decode(chunk, { stream: true }));
  }

  override _flush(done: TransformCallback): void {
    this.#write(done, () => this.#decoder.decode());
  }

  #write(done: TransformCallback, decode: () => string): void {
    let text: string;
    try {
      text = decode();
    } catch {
      done(this.#refuse());
      return;
    }
    const bytes = Buffer.from(text);
    this.#left -= bytes.length;
    if (this.#left < 0) done(this.#tooLarge());
    else done(null, bytes);
  }
}
