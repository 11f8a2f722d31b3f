/** Handlers' files: copied from the bucket to this environment's disk, and nowhere else on it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { RequestKey, Streamer } from "@streamer/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createWork } from "../src/functions/entry/work.ts";
import type { Runtime } from "../src/functions/runtime.ts";
import { copyObjects } from "../src/s3/data-folder.ts";
import { contextAt } from "./function-events.ts";
import { startCloud, type Cloud } from "./harness.ts";

let cloud: Cloud;
const parent = mkdtempSync(join(tmpdir(), "streamer-data-"));
beforeAll(async () => {
  cloud = await startCloud();
  await mkdir(join(cloud.bucketFolder, "data-bucket"));
});
afterAll(async () => {
  await cloud.stop();
  rmSync(parent, { recursive: true });
});

it("copies what is under the prefix, folders included, and nothing that would lead out of the folder", async () => {
  const objects = { "data/a.csv": "a", "data/deep/er/b.csv": "b", "other/c.csv": "c", "data/%2e%2e/d.csv": "d" };
  for (const [Key, Body] of Object.entries(objects)) await cloud.s3.send(new PutObjectCommand({ Bucket: "data-bucket", Key, Body }));
  const folder = join(parent, "data");
  await copyObjects(cloud.s3, { bucket: "data-bucket", prefix: "data/", folder });
  expect(readFileSync(join(folder, "a.csv"), "utf8")).toBe("a");
  expect(readFileSync(join(folder, "deep/er/b.csv"), "utf8")).toBe("b");
  expect(existsSync(join(folder, "c.csv"))).toBe(false);
  expect(existsSync(join(parent, "d.csv"))).toBe(false);
});

it("a key that climbs is passed over", async () => {
  const listed = { Contents: [{ Key: "data/../../evil.txt" }, { Key: "data/" }] };
  const sent: string[] = [];
  const client = {
    send: async (command: { constructor: { name: string } }) => {
      sent.push(command.constructor.name);
      return listed;
    },
  };
  await copyObjects(client as never, { bucket: "b", prefix: "data/", folder: join(parent, "data") });
  expect(sent).toEqual(["ListObjectsV2Command"]);
  expect(existsSync(join(parent, "evil.txt"))).toBe(false);
});

it("a copy that failed once at a cold start is made again by the next invocation, and then kept", async () => {
  const ran: RequestKey[] = [];
  const work: Streamer["work"] = async (key) => {
    ran.push(key!);
    return { claimed: 0, ended: Promise.resolve() };
  };
  const invoke: Runtime["invoke"] = (_context, _terms, body) => body();
  let copies = 0;
  const handler = createWork({ streamer: { work } as Streamer, invoke }, async () => {
    copies += 1;
    if (copies === 1) throw new Error("SlowDown");
  });
  const call = (key: string) => handler({ key: key as RequestKey }, contextAt({ now: () => 0 }, 900_000));
  await expect(call("first")).rejects.toThrow("SlowDown");
  await call("second");
  await call("third");
  expect([ran, copies]).toEqual([["second", "third"], 2]);
});
