/** What suites need of the operating system: installed on Debian as root, else an error says what to install. */
import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { promisify } from "node:util";
import { requireDebianPackages } from "../../../../scripts/debian-packages.ts";

const run = promisify(execFile);
const works = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  );

export const requireStrace = (): Promise<void> => requireDebianPackages(["strace"], () => works("strace", "-V"));

const FAKETIME = [`/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/faketime/libfaketime.so.1`];
/** The library that, preloaded, gives a process another wall clock. */
export async function requireFaketime(): Promise<string> {
  const [path] = FAKETIME as [string];
  const isThere = (): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );
  await requireDebianPackages(["faketime"], isThere);
  return path;
}
