/** The Python client: one process has all its sessions, told line by line where to connect. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { requireDebianPackages } from "../../../../scripts/debian-packages.ts";
import type { Client, Session } from "./session.ts";

/** Debian's own, whatever else is called python3 here: its packages are for it. */
const PYTHON = "/usr/bin/python3";
const CLIENT = fileURLToPath(new URL("../../../../clients/python/src", import.meta.url));
const SESSIONS = fileURLToPath(new URL("sessions.py", import.meta.url));

const canImport = (): Promise<boolean> =>
  promisify(execFile)(PYTHON, ["-c", "import asyncio.timeouts, websockets"]).then(
    () => true,
    () => false,
  );

export async function startPython(): Promise<Client> {
  await requireDebianPackages(["python3", "python3-websockets"], canImport);
  const child = spawn(PYTHON, [SESSIONS], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, PYTHONPATH: CLIENT, PYTHONDONTWRITEBYTECODE: "1" },
  });
  const exited = once(child, "exit");
  const waiting = new Map<number, (session: Session) => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { at, ...session } = JSON.parse(line) as Session & { readonly at: number };
    waiting.get(at)?.(session);
    waiting.delete(at);
  });
  const gone = exited.then(([code]) => {
    throw new Error(`The Python client's process ended with ${String(code)}; what it said is above.`);
  });
  gone.catch(() => undefined);
  let count = 0;
  return {
    name: "Python client",
    atOnce: 16,
    session({ url, token }) {
      count += 1;
      const at = count;
      const told = new Promise<Session>((resolve) => waiting.set(at, resolve));
      child.stdin.write(`${JSON.stringify({ at, url, token })}\n`);
      return Promise.race([told, gone]);
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited;
    },
  };
}
