/**
 * Tells when one of a set of files has changed. Folders are watched, not files: editors replace a file by another of its
 * name, and one that is missing may come. A change counts if the file is another than it was; several at once are one.
 */
import { statSync, watch, type FSWatcher } from "node:fs";
import { dirname, join } from "node:path";

export interface Watched {
  readonly files: readonly string[];
  /** Folders of which every module counts, those to come as well. */
  readonly folders: readonly string[];
}

export interface WatchedFiles {
  /** Watches these as well. Those that have changed since `sinceMs` count as changed. */
  add(watched: Watched, sinceMs: number): void;
  close(): void;
}

/** `path` is one of the files, or a module beside them that may be one to come. */
export type OnChange = (path: string, what: "known" | "beside") => void;

/** Editors and version control write several files, and some of them twice. */
const SETTLE_MS = 100;
const MODULE = /\.(?:[mc]?[jt]s|json)$/;

export function createWatchedFiles(onChange: OnChange): WatchedFiles {
  const known = new Map<string, string>();
  const whole = new Set<string>();
  const watchers = new Map<string, FSWatcher>();
  let settling: NodeJS.Timeout | undefined;
  let news: Parameters<OnChange> | undefined;

  const settle = (path: string, what: "known" | "beside"): void => {
    if (news?.[1] !== "known") news = [path, what];
    clearTimeout(settling);
    settling = setTimeout(() => {
      const told = news!;
      news = undefined;
      onChange(...told);
    }, SETTLE_MS);
  };

  const look = (path: string): void => {
    const state = stateOf(path);
    if (known.has(path) || (whole.has(dirname(path)) && MODULE.test(path))) {
      if (known.get(path) === state) return;
      known.set(path, state);
      settle(path, "known");
    } else if (MODULE.test(path)) settle(path, "beside");
  };

  const watchFolder = (folder: string): void => {
    if (watchers.has(folder)) return;
    try {
      const watcher = watch(folder, (_, name) => {
        if (name !== null) look(join(folder, name));
      });
      // A folder that is gone is watched again once something in it is loaded.
      watcher.on("error", () => {
        watcher.close();
        watchers.delete(folder);
      });
      watchers.set(folder, watcher);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  };

  return {
    add({ files, folders }, sinceMs) {
      for (const folder of folders) {
        whole.add(folder);
        watchFolder(folder);
      }
      for (const file of files) {
        watchFolder(dirname(file));
        const isNew = !known.has(file);
        const state = stateOf(file);
        if (isNew ? changedAt(file) > sinceMs : known.get(file) !== state) settle(file, "known");
        known.set(file, state);
      }
    },
    close() {
      clearTimeout(settling);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

const stateOf = (path: string): string => {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats ? `${stats.ino} ${stats.size} ${stats.mtimeMs}` : "none";
};
const changedAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
