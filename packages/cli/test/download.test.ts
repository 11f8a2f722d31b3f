/** Where a file goes whose name a server chooses: into the folder, whole, and over nothing that is there. */
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { download } from "../src/download.ts";

let folder: string;
let server: Server;
let url: string;
let disposition: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "streamer-download-"));
  server = createServer((_, response) => void response.setHeader("content-disposition", disposition).end("theirs")).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/link`;
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const save = async (name: string, taken: "refuse" | "replace" | "count" = "refuse"): Promise<string> => {
  disposition = `attachment; ${name}`;
  const { path } = await download(url, { folder, taken });
  return path.slice(folder.length + 1);
};

it("leaves a file of that name as it is, unless told to write over it or to count", async () => {
  writeFileSync(join(folder, "Makefile"), "mine");
  await expect(save('filename="Makefile"')).rejects.toMatchObject({
    code: "FILE_EXISTS",
    message: expect.stringContaining("--force") as string,
  });
  expect(readFileSync(join(folder, "Makefile"), "utf8")).toBe("mine");
  expect([await save('filename="Makefile"', "count"), await save('filename="Makefile"', "count")]).toEqual(["Makefile-2", "Makefile-3"]);
  expect(await save('filename="Makefile"', "replace")).toBe("Makefile");
  expect(readFileSync(join(folder, "Makefile"), "utf8")).toBe("theirs");
  expect(readdirSync(folder).toSorted()).toEqual(["Makefile", "Makefile-2", "Makefile-3"]);
});

it("takes a link that leads nowhere for what it is: something that is there", async () => {
  symlinkSync(join(folder, "..", "streamer-elsewhere"), join(folder, "rows.csv"));
  await expect(save('filename="rows.csv"')).rejects.toMatchObject({ code: "FILE_EXISTS" });
  expect(readdirSync(folder)).toEqual(["rows.csv"]);
});

it.each([
  "filename*=UTF-8''..%2F..%2Fevil",
  'filename="../../evil"',
  'filename="C:\\evil"',
  'filename=".."',
  "filename*=UTF-8''%2Fetc%2Fpasswd",
  "filename*=UTF-8''%E0%A4%A",
  `filename*=UTF-8''${"a".repeat(300)}`,
])("refuses %s", async (name) => {
  await expect(save(name)).rejects.toMatchObject({ code: "DOWNLOAD_FAILED" });
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  ["filename*=UTF-8''.bashrc", "result"],
  ["filename*=UTF-8''a%00%E2%80%AEb", "a__b"],
  ["filename*=UTF-8''%E6%9D%B1.csv", "東.csv"],
])("saves %s as %s", async (name, path) => expect(await save(name)).toBe(path));
