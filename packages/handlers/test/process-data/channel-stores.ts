/** Where channels may be kept, each fresh, with the names of the rows that are left in it. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { objectChannels, type ChannelObjects, type Channels } from "../../src/process-data/index.ts";
import { temporaryFolder } from "./runs.ts";

export interface Kept {
  readonly channels: string | Channels;
  rowsLeft(): Promise<readonly string[]>;
}

const isRows = (name: string): boolean => name.endsWith(".ndjson");

export const STORES: Readonly<Record<string, () => Promise<Kept>>> = {
  "in a folder": async () => {
    const channels = join(await temporaryFolder(), "channels");
    return { channels, rowsLeft: async () => (await readdir(channels, { recursive: true })).filter(isRows) };
  },
  "as objects": async () => {
    const texts = new Map<string, string>();
    // Looked at often: a test waits for what is minutes apart in life.
    const channels = { ...objectChannels(() => objectsIn(texts), "channels/"), pollMs: 20 };
    return { channels, rowsLeft: async () => [...texts.keys()].filter(isRows) };
  },
};

/** Each step takes a turn of the event loop, so that what is asked for at once is interleaved. */
export function objectsIn(texts: Map<string, string>): ChannelObjects {
  const turn = (): Promise<void> => new Promise((done) => void setImmediate(done));
  const keysUnder = (prefix: string): string[] => [...texts.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  return {
    list: async (prefix) => {
      await turn();
      return keysUnder(prefix).map((key) => ({ key, sizeBytes: Buffer.byteLength(texts.get(key)!) }));
    },
    open: async (key) => {
      await turn();
      const text = texts.get(key);
      return text === undefined ? undefined : { body: new Blob([text]).stream() };
    },
    create: async (key, text) => {
      await turn();
      if (texts.has(key)) return false;
      texts.set(key, text);
      return true;
    },
    put: async (key, text) => {
      await turn();
      texts.set(key, text);
    },
    removeAll: async (prefix) => {
      await turn();
      for (const key of keysUnder(prefix)) texts.delete(key);
    },
  };
}
