/** Where a bit can flip: a page of each table and index, the log that a killed server left, a file. */
import { readdirSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Place {
  /** A table, an index, "log", "file": what figures are counted by. */
  readonly what: string;
  /** In the data folder. */
  readonly file: string;
  readonly from: number;
  readonly bytes: number;
}

export function pagesOf(dataFolder: string): readonly Place[] {
  const db = new DatabaseSync(join(dataFolder, "streamer.db"), { readOnly: true });
  try {
    const pages = db.prepare("SELECT name, pageno, pgoffset, pgsize FROM dbstat ORDER BY pgoffset").all();
    return pages.map(({ name, pgoffset, pgsize }) => ({
      what: name as string,
      file: "streamer.db",
      from: pgoffset as number,
      bytes: pgsize as number,
    }));
  } finally {
    db.close();
  }
}

export const logOf = (dataFolder: string): Place => whole(dataFolder, "streamer.db-wal", "log");

export const filesOf = (dataFolder: string): readonly Place[] =>
  readdirSync(join(dataFolder, "blobs"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => whole(dataFolder, join(parentPath.slice(dataFolder.length + 1), name), "file"));

const whole = (dataFolder: string, file: string, what: string): Place => ({
  what,
  file,
  from: 0,
  bytes: statSync(join(dataFolder, file)).size,
});

/** Flips one bit; returns where. */
export async function flip(dataFolder: string, { file, from, bytes }: Place, random: () => number): Promise<string> {
  const at = from + Math.floor(random() * bytes);
  const bit = Math.floor(random() * 8);
  const handle = await open(join(dataFolder, file), "r+");
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    byte[0]! ^= 1 << bit;
    await handle.write(byte, 0, 1, at);
  } finally {
    await handle.close();
  }
  return `bit ${bit} of byte ${at} of ${file}`;
}
