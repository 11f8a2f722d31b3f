/** Secrets the server makes for itself, kept in the data folder, readable by its user alone. */
import { chmodSync, closeSync, fsyncSync, linkSync, lstatSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { StreamerError } from "@streamer/core";

/** The secret of that name; made by `make` the first time. A crash half way leaves none rather than a short one. */
export function keepSecret(dataFolder: string, name: string, make: () => string): string {
  const path = join(dataFolder, name);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) {
    const temporary = `${path}.${process.pid}`;
    rmSync(temporary, { force: true });
    const file = openSync(temporary, "wx", 0o600);
    writeSync(file, make());
    fsyncSync(file);
    closeSync(file);
    linkSync(temporary, path);
    rmSync(temporary);
    return readFileSync(path, "utf8");
  }
  // A folder that was open to others may hold what one of them put there: a key of theirs would let them in as anybody.
  const isOurs = found.isFile() && [process.getuid?.() ?? found.uid, statSync(dataFolder).uid].includes(found.uid);
  if (!isOurs)
    throw new StreamerError(
      "STORAGE_ERROR",
      `The secret ${path} is not this server's: it is ${found.isFile() ? `a file of another user (${found.uid})` : "no regular file"}. Look at who could write to the folder; remove it, and a new one is made at the next start.`,
    );
  // A copy of the folder may have loosened it.
  chmodSync(path, 0o600);
  return readFileSync(path, "utf8");
}
