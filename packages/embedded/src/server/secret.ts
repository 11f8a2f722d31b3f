/** Secrets the server makes for itself, kept in the data folder, readable by its user alone. */
import { chmodSync, closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The secret of that name; made by `make` the first time. A crash half way leaves none rather than a short one. */
export function keepSecret(dataFolder: string, name: string, make: () => string): string {
  const path = join(dataFolder, name);
  if (!existsSync(path)) {
    const temporary = `${path}.${process.pid}`;
    const file = openSync(temporary, "w", 0o600);
    writeSync(file, make());
    fsyncSync(file);
    closeSync(file);
    linkSync(temporary, path);
    rmSync(temporary);
  }
  // A copy of the folder may have loosened it.
  chmodSync(path, 0o600);
  return readFileSync(path, "utf8");
}
