/**
 * The embedded engine's real store: SQLite in a folder of its own, in memory where the machine has such a folder. Its blobs
 * are kept in memory: reading and writing files takes threads, whose turns no seed repeats.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createEmbeddedEngine, openDatabase, type Database, type EmbeddedEngine } from "@streamer/embedded";
import type { SimulatedStore } from "../../engine.ts";
import { createMemoryBlobs } from "../blobs.ts";
import { createContents } from "./contents.ts";

const MEMORY_FOLDER = "/dev/shm";
const PARENT = existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir();

/** A migrated database without requests: made once for a process, copied for each run. */
let template: string | undefined;

function makeTemplate(): string {
  const folder = mkdtempSync(join(PARENT, "streamer-simulation-template-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const { db, close } = openDatabase(folder);
  // By chance in life; here it is part of the story.
  db.exec("UPDATE meta SET value = 'simulated' WHERE name = 'epoch'");
  db.exec("UPDATE meta SET value = 0 WHERE name = 'boot'; PRAGMA wal_checkpoint(TRUNCATE)");
  close();
  return folder;
}

export function createEmbeddedStore(): SimulatedStore {
  template ??= makeTemplate();
  const dataFolder = mkdtempSync(join(PARENT, "streamer-simulation-"));
  cpSync(template, dataFolder, { recursive: true });
  const blobs = createMemoryBlobs();
  let database: Database | undefined;
  const inspection = new DatabaseSync(join(dataFolder, "streamer.db"), { readOnly: true });
  const contents = createContents(inspection);

  const close = (): void => {
    database?.close();
    database = undefined;
  };

  return {
    ...contents,
    blobs: blobs.keys,
    async boot({ clock, log, onRunnable, channel }) {
      database = openDatabase(dataFolder);
      const engine: EmbeddedEngine = await createEmbeddedEngine({
        database,
        dataFolder,
        clock,
        log,
        channel,
        publicUrl: () => "http://files.test",
        onRunnable,
      });
      const { attach, drained, detach } = engine.channel;
      return {
        engine: { ...engine, blobs: blobs.port(clock), scratch: async () => ({ path: "/nowhere", remove: async () => {} }) },
        attach,
        drained,
        detach,
        leaks: () => Array.from(engine.connections.all, ({ connectionId }) => `connection ${connectionId} is registered`),
        close: () => {
          engine.close();
          database = undefined;
        },
      };
    },
    die: close,
    dispose: () => {
      close();
      inspection.close();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
