/**
 * What tests need of the operating system. On Debian, as root, it is installed; anywhere else the error says what to
 * install. Nothing is skipped: a test that did not run would look like one that passed.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Others may be installing too: apt waits for them instead of failing. */
const APT = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];

/** Installs `packages` unless `isThere` answers true without. */
export async function requireDebianPackages(packages: readonly string[], isThere: () => Promise<boolean>): Promise<void> {
  if (await isThere()) return;
  const wanted = packages.join(" ");
  if (process.getuid?.() !== 0) throw new Error(`These tests need ${wanted}: sudo apt-get install ${wanted}, or the like.`);
  try {
    await apt("update");
    await apt("install", "--yes", "--no-install-recommends", ...packages);
  } catch (cause) {
    throw new Error(`These tests need ${wanted}, and apt-get could not install them.`, { cause });
  }
  if (!(await isThere())) throw new Error(`These tests need ${wanted}; they are installed and still do not work.`);
}

const apt = (...args: readonly string[]) =>
  run("apt-get", [...APT, ...args], { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }, maxBuffer: 64 * 1_048_576 });
