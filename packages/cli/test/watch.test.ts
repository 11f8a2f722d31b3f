/** `streamer serve --watch`: an edit restarts the server on its port, work goes on, and a broken edit waits for the next. */
import { afterEach, expect, it } from "vitest";
import { connect, type Client } from "@streamer/client";
import { isInUse } from "@streamer/embedded";
import { join } from "node:path";
import { streamer, type Running } from "./command.ts";
import { createProject, handlerModule, type Project } from "./project.ts";

let project: Project;
let serve: Running | undefined;
let client: Client | undefined;
afterEach(async () => {
  await client?.close();
  serve?.kill("SIGKILL");
  await serve?.ended.catch(() => undefined);
  serve = client = undefined;
  project.remove();
});

async function start(files: Record<string, string>, ...flags: readonly string[]): Promise<Running> {
  project = createProject(files);
  serve = streamer(["serve", "--watch", "--port", "0", "--log-level", "silent", ...flags], { cwd: project.folder, patienceMs: 100_000 });
  await serve.printed("Ctrl-C stops it.");
  return serve;
}

function open({ stdout }: Running): Client {
  const [url = ""] = /ws:[^,\s]+/.exec(stdout) ?? [];
  const [token = ""] = /^ey\S+$/m.exec(stdout) ?? [];
  return (client = connect(url, { token, reconnect: { baseMs: 20, capMs: 200 } }));
}

const times = (text: string, part: string): number => text.split(part).length - 1;
/** Waits until `part` was printed so often. */
async function printed(running: Running, part: string, count: number): Promise<void> {
  await expect.poll(() => times(running.stdout + running.stderr, part), { timeout: 20_000 }).toBe(count);
}

it("restarts on a change of a module that handlers import, on the port it had, with the client still there", async () => {
  const running = await start(
    { "a.ts": `import { word } from "./word.ts";\n${handlerModule("greet", "word")}`, "word.ts": 'export const word = "one";' },
    "--handlers",
    "a.ts",
  );
  const asking = open(running);
  expect(await asking.request("greet", {}).result).toEqual({ answer: "one" });
  project.write("word.ts", 'export const word = "two";');
  await printed(running, "Serving again", 1);
  expect(running.stderr).toContain("word.ts has changed: restarting.");
  expect(await asking.request("greet", {}).result).toEqual({ answer: "two" });
  running.kill("SIGTERM");
  expect(await running.ended).toBe(0);
  expect(isInUse(join(project.folder, "streamer-data"))).toBe(false);
});

it("P13 hands running work back, and the next server goes on with it", async () => {
  const slow = `import { defineHandler } from "@streamer/core";
import { z } from "zod";
import { existsSync } from "node:fs";
export const slow = defineHandler({ action: "slow", input: z.object({}), async run(_, ctx) {
  await ctx.checkpoint(1);
  ctx.report(10, "begun");
  while (!existsSync("go")) await new Promise((resolve, reject) => { setTimeout(resolve, 20); ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)); });
  return { attempt: ctx.request.attempt, resumed: ctx.resumed };
} });`;
  const running = await start({ "a.ts": slow }, "--handlers", "a.ts");
  const run = open(running).request("slow", {}, { mode: "async" });
  for await (const { message } of run.progress) if (message === "begun") break;
  project.write("a.ts", `${slow}\n// changed`);
  await printed(running, "Serving again", 1);
  project.write("go", "");
  // Handed back by a stop that was asked for: no attempt is lost by that.
  expect(await run.result).toMatchObject({ resumed: 1 });
});

it("a broken edit says why and waits for the next change; several edits at once are one", async () => {
  const running = await start({ "h/a.ts": handlerModule("a", '"1"') }, "--handlers", "h");
  project.write("h/a.ts", "export const a: = 1;");
  await printed(running, "Waiting for a change.", 1);
  expect(running.stderr).toContain("cannot be loaded");
  for (const n of [2, 3, 4]) project.write("h/a.ts", handlerModule("a", `"${n}"`));
  await printed(running, "Serving again", 1);
  project.write("h/b.ts", handlerModule("b", '"new"'));
  await printed(running, "Serving again", 2);
  const asking = open(running);
  expect([await asking.request("a", {}).result, await asking.request("b", {}).result]).toEqual([{ answer: "4" }, { answer: "new" }]);
});

it("a module that is missing is waited for, and a configuration that comes is taken", async () => {
  const running = await start({ "a.ts": handlerModule("a", '"1"') }, "--handlers", "a.ts");
  project.write("a.ts", `import "./later.ts";\n${handlerModule("a", '"2"')}`);
  await printed(running, "Waiting for a change.", 1);
  project.write("later.ts", "export {};");
  await printed(running, "Serving again", 1);
  project.write("streamer.config.json", '{ "prot": 5 }');
  await printed(running, "Waiting for a change.", 2);
  expect(running.stderr).toContain('has "prot", which is no option');
  project.write("streamer.config.json", '{ "workers": 1 }');
  await printed(running, "Serving again", 2);
});

it("the server does not outlive who watches", async () => {
  const running = await start({ "a.ts": handlerModule("a", '"1"') }, "--handlers", "a.ts");
  running.kill("SIGKILL");
  await expect.poll(() => isInUse(join(project.folder, "streamer-data")), { timeout: 10_000 }).toBe(false);
});
