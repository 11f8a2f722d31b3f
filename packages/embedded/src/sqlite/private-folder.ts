/**
 * A folder that nobody but its owner may enter, and its files that nobody but its owner may read: whatever umask the
 * process has, and whoever made the folder.
 */
import { chmodSync, closeSync, fchmodSync, fstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { StreamerError } from "@streamer/core";

const OTHERS = 0o077;

/** Makes it, or closes to others what is there. Throws where that is not ours to do. */
export function openPrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Windows has no such modes: a folder there has the rights of the one around it.
  if (process.platform === "win32") return;
  const { mode } = statSync(folder);
  if ((mode & OTHERS) === 0) return;
  try {
    chmodSync(folder, mode & 0o700);
  } catch (cause) {
    throw notClosed(`The folder ${folder}`, mode, cause);
  }
}

/**
 * Makes an empty file, or closes to others what is there, before SQLite opens it: SQLite makes files as the umask says,
 * and what it puts beside a database has the mode of the database.
 */
export function openPrivateFile(path: string): void {
  const file = openSync(path, "a", 0o600);
  try {
    const { mode } = fstatSync(file);
    if (process.platform === "win32" || (mode & OTHERS) === 0) return;
    fchmodSync(file, 0o600);
  } catch (cause) {
    throw notClosed(path, fstatSync(file).mode, cause);
  } finally {
    closeSync(file);
  }
}

const notClosed = (what: string, mode: number, cause: unknown): StreamerError =>
  new StreamerError(
    "STORAGE_ERROR",
    `${what} is open to others (mode ${(mode & 0o777).toString(8)}) and could not be closed to them. Make it its server's own: chown and chmod, or name another folder.`,
    { cause },
  );
