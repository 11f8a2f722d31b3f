import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { connectClient, type TestClient } from "./client.ts";

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly action?: string;
  readonly request_id?: string;
  readonly held_ms?: number;
  readonly stack?: readonly string[];
  readonly err?: { readonly message: string };
}

let folder: string;
let child: ChildProcess;
let client: TestClient;
const lines: LogLine[] = [];
/** The first line of the server's log that matches. */
const logged = (matches: (line: LogLine) => boolean): Promise<LogLine> =>
  vi.waitFor(() => lines.find(matches) ?? Promise.reject(new Error(`No such line: ${JSON.stringify(lines)}`)), 100_000);
const begin = (action: string): void => client.send({ type: "request", id: action, action, payload: {} });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamer-careless-"));
  child = fork(join(import.meta.dirname, "careless-server.ts"), [folder], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
  createInterface({ input: child.stderr! }).on("line", (line) => {
    if (line.startsWith("{")) lines.push(JSON.parse(line) as LogLine);
  });
  const [ready] = (await once(child.stdout!, "data")) as [Buffer];
  const { url, token } = JSON.parse(ready.toString()) as { url: string; token: string };
  client = connectClient(url, token);
  await client.message("welcome");
});
afterAll(async () => {
  client.socket.terminate();
  child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

describe("a careless handler in the server's process", () => {
  it.each([
    ["stray", "nobody awaits this"],
    ["timer", "nobody can catch this"],
  ])("(%s) that leaves an error behind ends nobody, and is logged by its name", async (action, message) => {
    const other = `beside ${action}`;
    client.send({ type: "request", id: other, action: "ok", payload: {} });
    begin(action);
    expect(await logged(({ err }) => err?.message === message)).toMatchObject({ level: 50, action, request_id: action });
    expect(await client.message("complete", action)).toMatchObject({ result: "done" });
    expect(await client.message("complete", other)).toMatchObject({ result: "fine" });
  });

  it.each(["waits", "spins"])("(%s) that holds the event loop after an await is named, with the place", async (action) => {
    const other = `beside ${action}`;
    client.send({ type: "request", id: other, action: "ok", payload: {} });
    begin(action);
    const line = await logged((each) => each.held_ms !== undefined && each.action === action);
    expect(line).toMatchObject({ level: 40, request_id: action });
    expect(line.held_ms).toBeGreaterThan(600);
    expect(line.stack?.some((place) => place.includes("careless-server.ts"))).toBe(true);
    await client.message("complete", other);
    expect(lines.filter(({ held_ms }) => held_ms !== undefined).every((each) => each.action === "waits" || each.action === "spins")).toBe(
      true,
    );
  });

  it("is told apart from a process that was paused as a whole", async () => {
    child.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    child.kill("SIGCONT");
    expect(await logged(({ msg }) => msg.includes("the whole process was paused"))).not.toHaveProperty("action");
  });

  it("of the program around the server is not the server's to swallow: it ends the process as ever", async () => {
    const exited = once(child, "exit");
    child.send("throw");
    expect(await exited).toEqual([1, null]);
    expect(lines.some(({ err, msg }) => err?.message === "the program's own" && msg.includes("belongs to no handler"))).toBe(true);
  });
});
