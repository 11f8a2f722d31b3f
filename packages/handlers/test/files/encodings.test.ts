/** Text files of every encoding become the same UTF-8, and what cannot be known is refused with what to do. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ENCODINGS, tableFile, UnreadableFile, type TableFile } from "../../src/files/table-file.ts";
import { temporaryFolder } from "../generate-report/shops.ts";

const never = new AbortController().signal;

async function read(bytes: Uint8Array, { encoding, name = "t.csv" }: { encoding?: string; name?: string } = {}) {
  const folder = await temporaryFolder();
  const path = join(folder, name);
  await writeFile(path, bytes);
  const found = await tableFile({ path, name, kind: "text", encoding, folder, maxBytes: 50_000_000, signal: never });
  return { found: found as TableFile & { kind: "text" }, own: found.path === path, text: await readFile(found.path, "utf8") };
}

const GERMAN = "Ort;Menge\r\nKöln;3\r\nWürzburg;4\r\nSaarbrücken;5\r\n";
const latin = (text: string): Buffer => Buffer.from(text, "latin1");
const bigEndian = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();

describe("a text file", () => {
  it.each([
    ["UTF-8", Buffer.from(GERMAN), "utf-8", "content"],
    ["UTF-8 with a mark", Buffer.from(`\uFEFF${GERMAN}`), "utf-8", "mark"],
    ["UTF-16 LE with a mark", Buffer.from(`\uFEFF${GERMAN}`, "utf16le"), "utf-16le", "mark"],
    ["UTF-16 BE with a mark", bigEndian(`\uFEFF${GERMAN}`), "utf-16be", "mark"],
    ["UTF-16 LE without", Buffer.from(GERMAN, "utf16le"), "utf-16le", "content"],
    ["UTF-16 BE without", bigEndian(GERMAN), "utf-16be", "content"],
    ["windows-1252", latin(GERMAN), "windows-1252", "content"],
  ])("in %s is known for what it is", async (_, bytes, encoding, detected) => {
    const { found, own, text } = await read(bytes);
    expect(found).toMatchObject({ encoding, detected });
    expect(text).toBe(GERMAN);
    // Only what has to be changed is copied.
    expect(own).toBe(encoding === "utf-8" && detected === "content");
  });

  it.each([
    ["windows-1251", [0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2], "Привет"],
    ["koi8-r", [0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4], "Привет"],
    ["shift_jis", [0x93, 0xfa, 0x96, 0x7b, 0x8c, 0xea], "日本語"],
    ["gb18030", [0xd6, 0xd0, 0xce, 0xc4, 0xb1, 0xed], "中文表"],
    ["windows-1250", [0xaf, 0xf3, 0xb3, 0xe6], "Żółć"],
    ["latin-1", [0xe9, 0x80], "é€"],
    ["iso-8859-15", [0xa4, 0xe9], "€é"],
  ])("in %s is read when it is named", async (encoding, bytes, text) => {
    const whole = Buffer.concat([Buffer.from("a,b\n"), Buffer.from(bytes), Buffer.from(",1\n")]);
    expect((await read(whole, { encoding })).text).toBe(`a,b\n${text},1\n`);
    expect(ENCODINGS).toContain(encoding);
  });

  it.each([
    ["Cyrillic", [0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]],
    ["Japanese", [0x93, 0xfa, 0x96, 0x7b, 0x8c, 0xea]],
  ])("of which nobody can know the encoding (%s) is refused with the setting to give", async (_, bytes) => {
    const failure = await read(Buffer.from(bytes)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UnreadableFile);
    expect(failure).toMatchObject({
      setting: "encoding",
      message: expect.stringMatching(/"t.csv" is not UTF-8, and which encoding.*name it/) as string,
    });
  });

  it("that is packed is unpacked where it has to be changed", async () => {
    const { found, text } = await read(gzipSync(latin(GERMAN)), { name: "t.csv.gz" });
    expect(found.path).toMatch(/\.csv$/);
    expect(text).toBe(GERMAN);
    await expect(read(Buffer.from("no archive"), { name: "t.csv.gz" })).rejects.toThrow(/"t.csv.gz" cannot be unpacked/);
  });

  it("of megabytes is read right where a character lies across its pieces", async () => {
    const text = `${"x".repeat(1_048_575)}ö${"日".repeat(400_000)}\n`;
    expect((await read(Buffer.from(text))).found).toMatchObject({ encoding: "utf-8", detected: "content" });
    expect((await read(Buffer.from(`\uFEFFx${text}`, "utf16le"))).text).toBe(`x${text}`);
  });

  it("that is UTF-8 but for a damaged byte stays UTF-8: its row will be named", async () => {
    const damaged = Buffer.concat([Buffer.from("Köln;Fürth;Görlitz\n"), Buffer.from([0xc3]), Buffer.from("x\n")]);
    expect((await read(damaged)).found).toMatchObject({ encoding: "utf-8" });
  });

  it("is refused where it is not what it is said to be, or too large as UTF-8", async () => {
    await expect(read(latin(GERMAN), { encoding: "shift_jis" })).rejects.toThrow(/is not shift_jis throughout/);
    await expect(read(latin(GERMAN), { encoding: "utf-16" })).rejects.toThrow(/does not show whether it is utf-16le or utf-16be/);
    const folder = await temporaryFolder();
    const path = join(folder, "t.csv");
    await writeFile(path, latin(GERMAN));
    const terms = { path, name: "t.csv", kind: "text", folder, maxBytes: 20, signal: never } as const;
    await expect(tableFile(terms)).rejects.toThrow(/more than 20 bytes as UTF-8/);
  });
});
