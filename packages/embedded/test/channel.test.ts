import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineHandler } from "@streamer/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createChannel, type Wire } from "../src/channel.ts";
import { startServer } from "../src/server/server.ts";
import { connectClient } from "./client.ts";

describe("the channel", () => {
  it("joins all frames of one turn into one write", async () => {
    const story: string[] = [];
    const wire: Wire = {
      bufferedBytes: 0,
      send: (text) => story.push(text),
      cork: () => story.push("cork"),
      uncork: () => story.push("uncork"),
      close: () => story.push("close"),
    };
    const channel = createChannel();
    channel.attach("c", wire);
    for (const text of ["1", "2"]) expect(channel.send("c", { text })).toBe("sent");
    await Promise.resolve().then(() => channel.send("c", { text: "3" }));
    await new Promise((resolve) => setImmediate(resolve));
    await channel.send("c", { text: "4" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(story).toEqual(["cork", "1", "2", "3", "uncork", "cork", "4", "uncork"]);
  });

  it("P11 a client that stops reading is closed and resumes with no gap, while another misses nothing", async () => {
    const dataFolder = await mkdtemp(join(tmpdir(), "streamer-channel-"));
    const rows = 400;
    const flood = defineHandler({
      action: "flood",
      input: z.object({}),
      estimate: 60_000,
      run: async (_, ctx) => {
        for (let row = 0; row < rows; row += 1) {
          await ctx.partial("rows", `${row} `.padEnd(50_000, "x"));
          ctx.report((100 * row) / rows);
        }
      },
    });
    const server = await startServer({
      handlers: [flood],
      dataFolder,
      logLevel: "silent",
      channel: { softBufferBytes: 131_072, hardBufferBytes: 1_000_000 },
    });
    const token = await server.developmentToken({ userId: "ann" });
    const [slow, quick] = [connectClient(server.url, token), connectClient(server.url, token)];
    await Promise.all([slow.message("welcome"), quick.message("welcome")]);
    quick.send({ type: "request", id: "f", action: "flood", payload: {} });
    await quick.message("acknowledgment", "f");
    slow.send({ type: "subscribe", request_id: "f" });
    await slow.message("snapshot", "f");
    // A real socket, really not read: the kernel's buffers fill, then ours.
    slow.socket.pause();
    await quick.message("complete", "f");
    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: 1013, reason: "too slow; connect again and resume" });

    const resumed = connectClient(server.url, token);
    const last = seqs(slow).at(-1)!;
    resumed.send({ type: "subscribe", request_id: "f", after: last });
    await resumed.message("complete", "f");
    expect(rowsOf(quick)).toEqual(Array.from({ length: rows }, (_, row) => row));
    expect([...rowsOf(slow), ...rowsOf(resumed)]).toEqual(rowsOf(quick));
    for (const client of [slow, quick, resumed]) expect(seqs(client)).toEqual(seqs(client).toSorted((a, b) => a - b));
    await server.stop();
    await rm(dataFolder, { recursive: true });
  });
});

type Client = ReturnType<typeof connectClient>;
const rowsOf = ({ messages }: Client): number[] =>
  messages.flatMap((message) => (message.type === "partial" ? [Number.parseInt(message.data as string, 10)] : []));
const seqs = ({ messages }: Client): number[] =>
  messages.flatMap((message) => (message.type !== "snapshot" && "seq" in message && message.seq !== undefined ? [message.seq] : []));
