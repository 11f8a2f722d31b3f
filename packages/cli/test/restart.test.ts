/** P5, P6, P13: the real client on the real server, which is stopped and started again in the middle of a run. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { expect, it } from "vitest";
import { connect } from "@streamer/client";
import { defineHandler } from "@streamer/core";
import { startServer } from "@streamer/embedded";

it("a run outlives a restart of its server: nothing lost, nothing twice, one result", async () => {
  const folder = mkdtempSync(join(tmpdir(), "streamer-restart-"));
  const gate = new EventTarget();
  const steps = defineHandler({
    action: "steps",
    input: z.object({}),
    async run(_, ctx) {
      const from = (ctx.resumed as number | undefined) ?? 0;
      for (let n = from; n < 6; n += 1) {
        await ctx.partial("steps", n);
        await ctx.checkpoint(n + 1);
        if (n === 2 && from === 0) await once(gate as never, "go", { signal: ctx.signal });
      }
      return { steps: 6 };
    },
  });
  const handlers = [steps] as const;
  const options = { handlers, dataFolder: folder, logLevel: "silent", stopGraceMs: 0 } as const;
  let server = await startServer(options);
  try {
    const token = await server.developmentToken({ userId: "anna" });
    await using client = connect<typeof handlers>(server.url, { token, reconnect: { baseMs: 20, capMs: 100 } });
    const run = client.request("steps");
    const [seqs, partials]: [number[], number[]] = [[], []];
    const reached = Promise.withResolvers<void>();
    const reading = (async () => {
      for await (const event of run.events) {
        if (event.type !== "response") seqs.push(event.seq ?? 0);
        if (event.type === "partial" && partials.push(event.data as number) === 3) reached.resolve();
      }
    })();
    await reached.promise;
    await server.stop();
    server = await startServer({ ...options, port: Number(new URL(server.url).port) });
    expect(await run.result).toEqual({ steps: 6 });
    await reading;
    expect(partials).toEqual([0, 1, 2, 3, 4, 5]);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    expect(await client.get(run.id)).toMatchObject({ status: "COMPLETED", result: { steps: 6 } });
    expect(await client.list({ action: "steps" })).toMatchObject({ items: [{ id: run.id, status: "COMPLETED" }] });
    await expect(client.retry(run.id).result).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
    await expect(client.attach("no-such-request").result).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await client.attach(run.id).result).toEqual({ steps: 6 });
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
});
