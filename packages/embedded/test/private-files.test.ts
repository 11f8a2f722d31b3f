/** Nobody else on the machine reads what a server keeps: whatever the umask, and whoever made the folder. */
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { defineHandler } from "@streamer/core";
import { startServer } from "../src/server/server.ts";
import { connectClient } from "./client.ts";

const store = defineHandler({
  action: "store",
  input: z.object({}),
  async run(_, ctx) {
    const finished = join(await ctx.scratch(), "finished.csv");
    writeFileSync(finished, "a", { mode: 0o666 });
    await ctx.blobs.putFile("moved.csv", finished);
    return { url: (await ctx.blobs.put("written.txt", "hello")).url };
  },
});

let parent: string;
let folder: string;
let umask: number;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "streamer-private-"));
  folder = join(parent, "made", "by", "mkdir");
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
  rmSync(parent, { recursive: true });
});

const open = (): readonly string[] =>
  [folder, ...readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))]
    .filter((path) => (lstatSync(path).mode & 0o077) !== 0)
    .map((path) => path.slice(folder.length));

async function serveOnce(): Promise<readonly string[]> {
  const server = await startServer({ handlers: [store], dataFolder: folder, logLevel: "silent" });
  const client = connectClient(server.url, await server.developmentToken({ userId: "ann" }));
  client.send({ type: "request", id: "1", action: "store", payload: {}, options: { mode: "async" } });
  await client.message("complete", "1");
  const found = open();
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(["streamer.db", "streamer.db-wal", "streamer.db-shm", "lock.db"]));
  client.socket.close();
  await server.stop();
  return found;
}

it("with no umask at all, in a folder of its own", async () => expect(await serveOnce()).toEqual([]));

it.each([0o755, 0o775, 0o777])("in a folder that was made before with mode %o, with what an older server left there", async (mode) => {
  mkdirSync(folder, { recursive: true, mode });
  await serveOnce();
  chmodSync(folder, mode);
  for (const name of ["streamer.db", "lock.db", "development-key.pem", "link-secret"]) chmodSync(join(folder, name), 0o644);
  expect(await serveOnce()).toEqual([]);
});

it("refuses a key that another user, or a link, has put there", async () => {
  mkdirSync(folder, { recursive: true, mode: 0o777 });
  symlinkSync("/etc/hostname", join(folder, "link-secret"));
  await expect(serveOnce()).rejects.toMatchObject({ code: "STORAGE_ERROR", message: expect.stringContaining("no regular file") as string });
  rmSync(join(folder, "link-secret"));
  writeFileSync(join(folder, "development-key.pem"), "a key of theirs");
  if (process.getuid?.() !== 0) return;
  chownSync(join(folder, "development-key.pem"), 65_534, 65_534);
  await expect(serveOnce()).rejects.toMatchObject({
    code: "STORAGE_ERROR",
    message: expect.stringContaining("of another user (65534)") as string,
  });
});
