import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { accessFlags, findToken, findUrl } from "../src/access.ts";
import { profileFile, readProfile } from "../src/profile.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-profile-"));
const env = { XDG_CONFIG_HOME: folder, PATH: process.env["PATH"] };
const file = profileFile(env);
const dataFolder = join(folder, "no-data");

const write = (text: string): void => writeFileSync(file, text, { mode: 0o600 });
const tokenOf = async (name: string): Promise<string> => {
  const { token } = readProfile(name, env)!;
  return typeof token === "string" ? token : token!();
};

beforeEach(() => {
  rmSync(file, { force: true });
  mkdirSync(join(folder, "streamer"), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the profile file", () => {
  it("is in the XDG folder, or in ~/.config when that is unset or relative", () => {
    expect(file).toBe(join(folder, "streamer", "profiles.json"));
    expect(profileFile({ HOME: "/home/anna" })).toBe("/home/anna/.config/streamer/profiles.json");
    expect(profileFile({ HOME: "/home/anna", XDG_CONFIG_HOME: "config" })).toBe("/home/anna/.config/streamer/profiles.json");
  });

  it("need not exist, nor have a default, but must have what is named", () => {
    expect(readProfile(undefined, env)).toBeUndefined();
    expect(() => readProfile("work", env)).toThrow(/does not exist/);
    write('{"work":{"url":"wss://w"}}');
    expect(readProfile(undefined, env)).toBeUndefined();
    expect(readProfile(undefined, { ...env, STREAMER_PROFILE: "work" })).toEqual({ name: "work", url: "wss://w" });
    expect(() => readProfile("wrok", env)).toThrow(/no profile "wrok".*It has: work\./);
  });

  it("takes the token from a file beside it or from a command, each time anew", async () => {
    write(
      '{"f":{"token_file":"token"},"c":{"token_command":"cat $XDG_CONFIG_HOME/streamer/token"},"bad":{"token_command":"echo no >&2; exit 3"}}',
    );
    for (const token of ["one", "two"]) {
      writeFileSync(join(folder, "streamer", "token"), `${token}\n`);
      expect([await tokenOf("f"), await tokenOf("c")]).toEqual([token, token]);
    }
    await expect(tokenOf("bad")).rejects.toMatchObject({ exitCode: 5, message: "The profile's token_command failed: no" });
  });

  it("that others may read is refused", () => {
    write("{}");
    chmodSync(file, 0o640);
    expect(() => readProfile(undefined, env)).toThrow(/open to others \(mode 640\).*chmod 600/);
  });

  it.each([
    ["{", /cannot be read as JSON/],
    ["[]", /must hold an object/],
    ['{"default":"ws://x"}', /Profile "default" in .* must be an object/],
    ['{"default":{"tokn":"x"}}', /has "tokn"; a profile has url, token, token_file, token_command/],
    ['{"default":{"url":5}}', /url must be text/],
    ['{"default":{"token":"x","token_file":"y"}}', /has several of/],
  ])("%s says what is wrong", (text, problem) => {
    write(text);
    expect(() => readProfile(undefined, env)).toThrow(problem);
  });
});

it("flag wins over environment over profile over default, for URL and token each", () => {
  const profile = { name: "p", url: "ws://profile", token: "profile" };
  const full = { STREAMER_URL: "ws://env", STREAMER_TOKEN: "env" };
  const found = (options: { url?: string; token?: string }, given: Record<string, string>, known?: typeof profile) =>
    [findUrl({ dataFolder, ...options }, given, known), findToken({ dataFolder, ...options }, given, known)].map(({ value }) => value);
  expect(found({ url: "ws://flag", token: "flag" }, full, profile)).toEqual(["ws://flag", "flag"]);
  expect(found({}, full, profile)).toEqual(["ws://env", "env"]);
  expect(found({}, {}, profile)).toEqual(["ws://profile", "profile"]);
  expect(findUrl({ dataFolder }, {}, undefined)).toEqual({ value: "ws://127.0.0.1:8080", from: "the default" });
  expect(() => findToken({ dataFolder }, {}, undefined)).toThrow(/No token/);
});

it("says again what was given as flags alone, quoted for a shell", () => {
  expect(accessFlags({ dataFolder: "./streamer-data" })).toBe("");
  expect(accessFlags({ url: "ws://h:1", profile: "a b", dataFolder: "d" })).toBe(" --url ws://h:1 --profile 'a b' --data-folder d");
});
