/** `isolate: import.meta.url` in the file that also starts the server: what happens is said, and what to do. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { expect, it, onTestFinished, vi } from "vitest";
import { isWholeProgram } from "../src/isolation/whole-program.ts";
import { connectClient, type TestClient } from "./client.ts";

interface Program {
  readonly client: TestClient;
  readonly lines: readonly { readonly msg: string; readonly action?: string; readonly err?: { readonly message: string } }[];
}

const explained = (lines: Program["lines"]) => lines.filter(({ msg }) => msg.startsWith("the module of a handler is the program itself"));

async function start(kind: string): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), "streamer-program-"));
  const child: ChildProcess = fork(join(import.meta.dirname, "fixture-whole-program.ts"), [folder], {
    env: { ...process.env, KIND: kind },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    cwd: folder,
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  const lines: { msg: string }[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => {
    if (line.startsWith("{")) lines.push(JSON.parse(line) as { msg: string });
  });
  const [ready] = (await once(child.stdout!, "data")) as [Buffer];
  const { url, token } = JSON.parse(ready.toString()) as { url: string; token: string };
  const client = connectClient(url, token);
  await client.message("welcome");
  client.send({ type: "request", id: "1", action: "heavy", payload: {} });
  return { client, lines };
}

it("a program that is its handler's module is told what it does, and starts nothing twice", async () => {
  const { client, lines } = await start("awaited");
  const { error } = await client.message("error", "1");
  expect(error).toMatchObject({ code: "VALIDATION_ERROR", message: expect.stringContaining("import.meta.main") as string });
  await vi.waitFor(() => expect(explained(lines)).toMatchObject([{ action: "heavy" }]));
});

it("one that does not await its server is told, too: its handler may have run meanwhile", async () => {
  const { lines } = await start("not awaited");
  await vi.waitFor(() => expect(lines.some(({ err }) => err?.message.includes("import.meta.main"))).toBe(true), 10_000);
});

it("one that opens a server of its own, too, is told the same, whatever failed first", async () => {
  const { client, lines } = await start("beside a server of its own");
  await vi.waitFor(() => expect(lines.some(({ err }) => err?.message.includes("EADDRINUSE"))).toBe(true), 10_000);
  const isComplete = client.messages.some(({ type }) => type === "complete");
  expect(explained(lines)).toHaveLength(isComplete ? 0 : 1);
});

it("one that starts nothing but as the program runs as ever, and nothing is said of it", async () => {
  const { client, lines } = await start("guarded");
  expect(await client.message("complete", "1")).toMatchObject({ result: "done" });
  expect(explained(lines)).toEqual([]);
});

it("what the program is, is found by its file", () => {
  const here = import.meta.filename;
  expect(isWholeProgram(pathToFileURL(here).href, here)).toBe(true);
  expect(isWholeProgram(pathToFileURL(here).href, join(here, "../client.ts"))).toBe(false);
  expect(isWholeProgram("file:///none.ts", "/none.ts")).toBe(false);
  expect(isWholeProgram(pathToFileURL(here).href, undefined)).toBe(false);
});
