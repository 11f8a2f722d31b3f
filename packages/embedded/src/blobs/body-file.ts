/** Bodies to files, durable once they are sealed. Shared by the blob store and by worker processes, which write into their scratch folder. */
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { BlobBody } from "@streamer/core";

export async function writeBody(path: string, body: BlobBody, signal: AbortSignal | undefined): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    // An iterator that never yields again must not keep an aborted run: the signal ends the wait.
    const source = typeof body === "string" || body instanceof Uint8Array ? [body] : body;
    const stream = Readable.from(source as AsyncIterable<Uint8Array | string>, { objectMode: true, ...(signal && { signal }) });
    for await (const chunk of stream as AsyncIterable<Uint8Array | string>) {
      await file.appendFile(chunk);
    }
  } catch (error) {
    // Its reason says more than the stream's "aborted".
    signal?.throwIfAborted();
    throw error;
  } finally {
    await file.close();
  }
}

/** Makes a file, or a folder's list of files, durable. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
