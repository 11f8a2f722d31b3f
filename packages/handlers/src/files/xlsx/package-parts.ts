/** The parts of an .xlsx file: a ZIP archive of XML, each part read as a stream and none larger than it says. */
import type { Readable } from "node:stream";
import { openPromise, type Entry, type ZipFile } from "yauzl";
import { UnreadableFile } from "../unreadable.ts";
import { readElements, type Elements } from "./elements.ts";

/** More parts than any workbook has. */
const MAX_PARTS = 10_000;
/** What a workbook of earlier versions, or one with a password, begins with. */
const COMPOUND_FILE = Buffer.from([0xd0, 0xcf, 0x11, 0xe0]);

export interface PackageParts extends AsyncDisposable {
  has(part: string): boolean;
  /** Throws `UnreadableFile` when it is absent, larger than allowed or no XML. */
  read(part: string, elements: Elements): Promise<void>;
}

export interface PackageTerms {
  readonly path: string;
  readonly name: string;
  /** Of one part, unpacked. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export const isCompoundFile = (head: Buffer): boolean => head.subarray(0, COMPOUND_FILE.length).equals(COMPOUND_FILE);

export async function openParts({ path, name, maxBytes, signal }: PackageTerms): Promise<PackageParts> {
  const damaged = (error: unknown): UnreadableFile =>
    new UnreadableFile(`"${name}" is damaged, or no .xlsx workbook (${(error as Error).message}); save it anew`);
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false }).catch((error: unknown) => {
    throw damaged(error);
  });
  try {
    const entries = await entriesOf(zip, name).catch((error: unknown) => {
      throw error instanceof UnreadableFile ? error : damaged(error);
    });
    return {
      has: (part) => entries.has(part.toLowerCase()),
      async read(part, elements) {
        const entry = entries.get(part.toLowerCase());
        if (!entry) throw damaged(new Error(`it has no part ${part}`));
        if (entry.uncompressedSize > maxBytes) {
          throw new UnreadableFile(
            `"${name}" is more than ${maxBytes.toLocaleString("en-US")} bytes when unpacked; split it, or save it as Parquet`,
          );
        }
        let source: Readable | undefined;
        try {
          source = await zip.openReadStreamPromise(entry);
          await readElements(stoppable(source, signal), elements);
        } catch (error) {
          signal.throwIfAborted();
          throw error instanceof UnreadableFile ? error : damaged(error);
        } finally {
          source?.destroy();
        }
      },
      async [Symbol.asyncDispose]() {
        zip.close();
      },
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function entriesOf(zip: ZipFile, name: string): Promise<ReadonlyMap<string, Entry>> {
  if (zip.entryCount > MAX_PARTS) throw new UnreadableFile(`"${name}" has ${zip.entryCount} parts, more than a workbook may have`);
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) entries.set(entry.fileName.toLowerCase(), entry);
  return entries;
}

async function* stoppable(source: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    signal.throwIfAborted();
    yield chunk;
  }
}
