/** A folder that nobody but its owner may enter: whatever modes its files have, they are nobody else's to read. */
import { chmodSync, mkdirSync, statSync } from "node:fs";
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
    throw new StreamerError(
      "STORAGE_ERROR",
      `The folder ${folder} is open to others (mode ${(mode & 0o777).toString(8)}) and could not be closed to them. Make it its server's own: chown and chmod 700, or name another.`,
      { cause },
    );
  }
}
