/** P13 A signal to npm or npx, which is what a service manager or a script sends one to, stops the server gracefully. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isInUse } from "@streamer/embedded";
import { streamerHere } from "./in-process.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "streamer-npm-"));
const shop = join(folder, "shop");
/** A project that has the command installed, as a stranger's has. */
const project = join(folder, "project");

beforeAll(async () => {
  await streamerHere(["sample-data", "--rows", "1e3", "--out", shop]).exitCode;
  mkdirSync(join(project, "node_modules", ".bin"), { recursive: true });
  symlinkSync(join(repository, "packages/cli/src/main.ts"), join(project, "node_modules/.bin/streamer"));
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "project", private: true, scripts: { start: "streamer serve", "start:exec": "exec streamer serve" } }),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Started {
  readonly child: ChildProcess;
  /** The server's own process. */
  readonly pid: number;
  /** When nobody holds what it writes any more. */
  readonly closed: Promise<unknown>;
  stderr(): string;
}

async function start(command: readonly [string, ...string[]], cwd: string, dataFolder: string): Promise<Started> {
  const [program, ...args] = command;
  const { HOME = "", PATH = "" } = process.env;
  // The Node that runs the tests runs the command, whatever else there is.
  const env = { HOME, PATH: `${dirname(process.execPath)}:${PATH}`, npm_config_update_notifier: "false", npm_config_offline: "true" };
  const child = spawn(program, [...args, "--port", "0", "--data", shop, "--data-folder", dataFolder], { cwd, env });
  const closed = once(child, "close", { signal: AbortSignal.timeout(60_000) });
  let stderr = "";
  const ready = Promise.withResolvers<number>();
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    const line = /^\{.*"server ready".*\}$/m.exec(stderr)?.[0];
    if (line !== undefined) ready.resolve((JSON.parse(line) as { readonly pid: number }).pid);
  });
  child.once("exit", () => ready.reject(new Error(`${command.join(" ")} ended:\n${stderr}`)));
  return { child, pid: await ready.promise, closed, stderr: () => stderr };
}

it.each([
  ["npm start of this repository", ["npm", "start", "--"], repository, 0],
  ["a script that execs", ["npm", "run", "start:exec", "--"], project, 0],
  ["a script as people write them", ["npm", "start", "--"], project, "SIGTERM"],
  ["npx", ["npx", "streamer", "serve"], project, "SIGTERM"],
] as const)("P13 SIGTERM to %s stops the server gracefully", async (name, command, cwd, ended) => {
  const dataFolder = join(folder, name.replaceAll(" ", "-"));
  const { child, closed, pid, stderr } = await start(command, cwd, dataFolder);
  expect(isInUse(dataFolder)).toBe(true);
  expect(pid).not.toBe(child.pid);
  child.kill("SIGTERM");
  await closed;
  expect(stderr()).toContain('"server stopped"');
  expect(isInUse(dataFolder)).toBe(false);
  // Without a shell between, npm waits for the server and ends as it did.
  expect(child.exitCode ?? child.signalCode).toBe(ended);
});

it("P13 a Ctrl-C, of which both the terminal and npm tell the server, stops it gracefully", async () => {
  const dataFolder = join(folder, "both");
  const { child, closed, pid, stderr } = await start(["npm", "run", "start:exec", "--"], project, dataFolder);
  // As a terminal does: to all of its foreground processes. npm passes it on besides.
  process.kill(pid, "SIGINT");
  child.kill("SIGINT");
  await closed;
  expect(stderr()).toContain('"server stopped"');
  expect(child.exitCode).toBe(0);
});

it("a server that npm did not start outlives its parent", async () => {
  const dataFolder = join(folder, "outlives");
  const main = join(repository, "packages/cli/src/main.ts");
  const { child, closed, pid } = await start(["sh", "-c", `"${process.execPath}" "${main}" serve "$@"`, "sh"], folder, dataFolder);
  child.kill("SIGTERM");
  await once(child, "exit");
  // Longer than it takes to see that a parent has gone.
  await new Promise((resolve) => void setTimeout(resolve, 1_000));
  expect(isInUse(dataFolder)).toBe(true);
  process.kill(pid, "SIGTERM");
  await closed;
});
