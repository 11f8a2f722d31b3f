/** Files of the simulated store, in memory: they outlive processes, as the folder would. */
import type { BlobBody, Blobs, Clock } from "@streamer/core";

export interface MemoryBlobs {
  port(clock: Clock): Blobs;
  keys(): readonly string[];
}

async function read(body: BlobBody): Promise<string> {
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  let text = "";
  for await (const chunk of body) text += typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk);
  return text;
}

export function createMemoryBlobs(): MemoryBlobs {
  const stored = new Map<string, string>();
  return {
    keys: () => Array.from(stored.keys()),
    port: (clock) => ({
      put: async (key, body, options = {}) => {
        const text = await read(body);
        options.signal?.throwIfAborted();
        stored.set(key, text);
        return { sizeBytes: text.length };
      },
      putFile: () => Promise.reject(new Error("There are no local files in the simulation.")),
      open: async (key) => {
        const text = stored.get(key);
        if (text === undefined) return undefined;
        return { body: new Blob([text]).stream(), sizeBytes: text.length, contentType: "text/plain" };
      },
      sign: async (key, expiresInMs) => {
        const expiresAt = clock.now() + expiresInMs;
        return { url: `http://files.test/${encodeURIComponent(key)}?expires=${expiresAt}`, expiresAt };
      },
      removeAll: async (prefix) => {
        for (const key of stored.keys()) if (key.startsWith(prefix)) stored.delete(key);
      },
    }),
  };
}
