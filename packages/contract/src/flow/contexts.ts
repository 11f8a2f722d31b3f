/** What a handler is given, and what runs around it: each part does what it says, and what is left behind does no harm. */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { defineHandler, type AnyHandler, type Engine, type HandlerContext, type Middleware } from "@streamer/core";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";

const handler = (run: (input: unknown, ctx: HandlerContext) => unknown, more: Partial<AnyHandler> = {}): AnyHandler =>
  defineHandler({ action: "work", input: anything, estimate: 60_000, retry: { maxAttempts: 1 }, ...more, run });
const start = (harness: Harness, run: AnyHandler, more: Partial<PipelineParts> = {}) =>
  startPipeline({ harness, handlers: [run], ...more });
const ask = (client: FlowClient, more: object = {}): Promise<void> =>
  client.send({ type: "request", id: "r1", action: "work", payload: {}, ...more });
const ended = (client: FlowClient) => () =>
  ["complete", "error", "response"].some((type) => client.received.some((message) => message.type === type));

/** A log that keeps what is said. */
function listening() {
  const lines: (readonly [string, object, string])[] = [];
  const at = (level: string) => (fields: object, text: string) => void lines.push([level, fields, text]);
  return { lines, log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") } };
}

export function contextsContract(test: ContractTest): void {
  test("a handler's log names its request, whatever it says", async (harness) => {
    const { lines, log } = listening();
    const levels = ["debug", "info", "warn", "error"] as const;
    const work = handler((_, ctx) => {
      for (const level of levels) ctx.log[level]({ rows: 3 }, `at ${level}`);
    });
    const { connect, until } = await start(harness, work, { instead: { log } });
    const client = await connect();
    await ask(client);
    await until("done", ended(client));
    const about = { request_id: "r1", action: "work", attempt: 1, tenant_id: "acme", user_id: "alice", rows: 3 };
    expect(lines.filter(([, , text]) => text.startsWith("at "))).toEqual(levels.map((level) => [level, about, `at ${level}`]));
  });

  test("a handler's folder is its own, and gone after its run", async (harness) => {
    const { lines, log } = listening();
    const folders: string[] = [];
    const scratch = async () => {
      const path = await mkdtemp(join(tmpdir(), "streamer-scratch-"));
      const remove = async () => {
        await rm(path, { recursive: true });
        if (folders.length > 2) throw new Error("the disk is gone");
      };
      return { path, remove };
    };
    const work = handler(async (_, ctx) => {
      const [path, again] = [await ctx.scratch(), await ctx.scratch()];
      expect(again).toBe(path);
      await writeFile(join(path, "a.txt"), "hello");
      folders.push(path);
      const file = await ctx.blobs.putFile("a.txt", join(path, "a.txt"));
      if (ctx.request.id === "r2") throw new Error("no");
      return file.url;
    });
    const { connect, until } = await start(harness, work, { instead: { log, scratch } });
    const client = await connect();
    await ask(client);
    await until("done", () => client.last("complete") !== undefined);
    const file = await harness.download(client.last("complete")!.result as string);
    expect(new TextDecoder().decode(file.bytes)).toBe("hello");
    await ask(client, { id: "r2" });
    await until("failed", () => client.last("error") !== undefined);
    expect(lines.splice(0)).toMatchObject([["warn", { request_id: "r2", err: { message: "no" } }, expect.stringContaining("failed")]]);
    await ask(client, { id: "r3" });
    await until("done although its folder stays", () => client.last("complete")?.request_id === "r3");
    expect(lines).toMatchObject([["warn", { err: { message: "the disk is gone" } }, expect.stringContaining("scratch")]]);
    expect(new Set(folders).size).toBe(3);
    for (const folder of folders) await expect(stat(folder)).rejects.toThrow(/ENOENT/);
  });

  test("P7 P10 what a user sends never becomes a link, whatever it looks like", async (harness) => {
    const looks = "streamer-blob:url:secret.txt";
    const echo = handler(async (input, ctx) => {
      const { url } = await ctx.blobs.put("secret.txt", "hello");
      const [mark] = /streamer-blob:([\w-]+):/.exec(url)!.slice(1) as [string];
      await ctx.partial("said", input as never);
      return { said: input as never, url, altered: url.replace(mark, `${mark.slice(0, -1)}${mark.endsWith("A") ? "B" : "A"}`) };
    });
    const { connect, until } = await start(harness, echo);
    const client = await connect();
    await ask(client, { id: looks, payload: { text: looks, list: [looks, looks] }, options: { mode: "async", metadata: { looks } } });
    await until("done", ended(client));
    const { result } = client.last("complete") as unknown as { result: { said: unknown; url: string; altered: string } };
    expect(client.last("complete")).toMatchObject({ request_id: looks });
    expect(client.last("partial")).toMatchObject({ data: { text: looks, list: [looks, looks] } });
    expect(result.said).toEqual({ text: looks, list: [looks, looks] });
    expect(result.altered).toMatch(/^streamer-blob:/);
    expect(new TextDecoder().decode((await harness.download(result.url)).bytes)).toBe("hello");
    await client.send({ type: "get", request_id: looks });
    expect(client.last("snapshot")).toMatchObject({ request_id: looks, result: { said: result.said } });
  });

  test("P12 a value links to a thousand files at most, and says so", async (harness) => {
    const many = handler(async (_, ctx) => {
      const { url } = await ctx.blobs.put("a.txt", "hello");
      return Array.from({ length: 1_001 }, () => url);
    });
    const { connect, until } = await start(harness, many);
    const client = await connect();
    await ask(client);
    await until("failed", () => client.last("error") !== undefined);
    expect(client.last("error")!.error.message).toContain("1001 links to files, over the limit of 1000");
  });

  test("P5 metadata that is set is in every later message", async (harness) => {
    const work = handler(async (_, ctx) => {
      ctx.setMetadata("job", "j1");
      ctx.report(10, "read", { stage: "query" });
      await ctx.partial("rows", 1);
    });
    const { connect, until } = await start(harness, work);
    const client = await connect();
    await ask(client);
    await until("done", ended(client));
    expect(client.last("progress")).toMatchObject({ metadata: { job: "j1" }, stage: "query" });
  });

  test("middleware is around each run, on every route, and what it makes of the result is the result", async (harness) => {
    const around: string[] = [];
    const loud: Middleware = {
      name: "loud",
      run: async ({ input, handler: { action } }, next) => {
        around.push(`${action} ${JSON.stringify(input)}`);
        return `${String(await next())}!`;
      },
    };
    const { connect, until } = await start(
      harness,
      handler(() => "done"),
      { middleware: [loud] },
    );
    const client = await connect();
    await ask(client, { id: "sync", options: { mode: "sync" } });
    expect(client.last("response")).toMatchObject({ data: "done!" });
    await ask(client, { id: "async", options: { mode: "async" } });
    await until("done", () => client.last("complete") !== undefined);
    expect(client.last("complete")).toMatchObject({ result: "done!" });
    expect(around).toEqual(["work {}", "work {}"]);
  });

  test("an engine that runs handlers apart, and knows what belongs to which run, is asked to", async (harness) => {
    const asked: unknown[] = [];
    const around: unknown[] = [];
    const instead: Partial<Engine> = {
      isolation: {
        slots: 1,
        run: async ({ module, action, input }) => (asked.push({ module, action, input }), "from there"),
      },
      around: ({ id, action }, work) => (around.push({ id, action }), work()),
    };
    const work = handler(() => "from here", { isolate: "file:///work.ts" });
    const { connect, until } = await start(harness, work, { instead });
    const client = await connect();
    await ask(client);
    await until("done", ended(client));
    expect(client.last("complete")).toMatchObject({ result: "from there" });
    expect(asked).toEqual([{ module: "file:///work.ts", action: "work", input: {} }]);
    expect(around).toEqual([{ id: "r1", action: "work" }]);
  });

  for (const mode of ["sync", "async"] as const) {
    test(`P2 what a handler says after its end is refused to it, and stored nowhere: ${mode}`, async (harness) => {
      const late = Promise.withResolvers<HandlerContext>();
      const { connect, until } = await start(
        harness,
        handler((_, ctx) => (late.resolve(ctx), "done")),
      );
      const client = await connect();
      await ask(client, { id: mode, options: { mode } });
      await until("done", ended(client));
      const ctx = await late.promise;
      ctx.report(50);
      await expect(ctx.partial("rows", 1)).rejects.toThrow("The run has ended: nothing more can be stored for it.");
      await expect(ctx.blobs.put("a.txt", "a")).rejects.toThrow("The run has ended");
    });
  }

  test("results have exactly the limit that they are said to have, on every route", async (harness) => {
    const results: Readonly<Record<string, unknown>> = {
      // As long as the limit, quotes included: what is around it in the frame does not count.
      fits: "x".repeat(98),
      over: "x".repeat(99),
      // Each of these takes six characters: known only when it is printed.
      escaped: "\u0001".repeat(17),
    };
    const work = handler((_, ctx) => results[ctx.request.id.split(" ")[1]!]);
    const { connect, until } = await start(harness, work, { options: { valueLength: 100 } });
    const client = await connect();
    for (const mode of ["sync", "async"]) {
      for (const name of Object.keys(results)) {
        const id = `${mode} ${name}`;
        await ask(client, { id, options: { mode } });
        await until("it ended", () =>
          client.received.some(
            (message) => /complete|error|response/.test(message.type) && "request_id" in message && message.request_id === id,
          ),
        );
        const end = client.received.findLast((message) => "request_id" in message && message.request_id === id)!;
        if (name === "fits") expect(end.type === "response" ? end.data : end.type === "complete" && end.result).toBe(results[name]);
        else expect(end).toMatchObject({ error: { code: "PROCESSING_FAILED", message: expect.stringMatching(/over the limit of 100;/) } });
      }
    }
  });
}
