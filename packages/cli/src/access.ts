/**
 * Which server a command speaks to and as whom: flag, else environment, else profile, else what is at hand. Without a
 * token, the development key of the data folder makes one: on the machine where `streamer serve` runs, everything works
 * without copying tokens about.
 */
import type { Command } from "commander";
import { signToken, type TokenTerms } from "@streamer/auth";
import type { Token } from "@streamer/client";
import { developmentKey, hasDevelopmentKey } from "@streamer/embedded/development-key";
import { DEFAULT_DATA_FOLDER, DEFAULT_PORT } from "./defaults.ts";
import { EXIT, ExitError } from "./exit.ts";
import { readProfile, type Profile } from "./profile.ts";
import type { Shell } from "./shell.ts";

const DEFAULT_URL = `ws://127.0.0.1:${DEFAULT_PORT}`;
export const DEVELOPER = { userId: "developer", tenantId: "default", expiresInMs: 86_400_000 } as const satisfies TokenTerms;

export interface AccessOptions {
  readonly url?: string;
  readonly token?: string;
  readonly profile?: string;
  readonly dataFolder: string;
}

export interface Access {
  readonly url: string;
  readonly token: Token;
  /** What has to be said again to reach the same server. */
  readonly again: string;
}

/** A value, and what it was taken from, for people. */
export interface Found<T> {
  readonly value: T;
  readonly from: string;
}

export function addAccessOptions(command: Command): Command {
  return command
    .option("--url <url>", `server address (default: $STREAMER_URL, else the profile's, else ${DEFAULT_URL})`)
    .option("--token <jwt>", "who you are (default: $STREAMER_TOKEN, else the profile's, else made with the development key)")
    .option("--profile <name>", 'where to look for both (default: $STREAMER_PROFILE, else "default")')
    .option("--data-folder <folder>", "where the development key is looked for", DEFAULT_DATA_FOLDER);
}

export function findAccess(options: AccessOptions, { env }: Shell): Access {
  const profile = readProfile(options.profile, env);
  return {
    url: findUrl(options, env, profile).value,
    token: findToken(options, env, profile).value,
    again: accessFlags(options),
  };
}

export function findUrl({ url }: AccessOptions, env: Shell["env"], profile: Profile | undefined): Found<string> {
  if (url !== undefined) return { value: url, from: "--url" };
  const { STREAMER_URL: named } = env;
  if (named) return { value: named, from: "STREAMER_URL" };
  if (profile?.url !== undefined) return { value: profile.url, from: `profile "${profile.name}"` };
  return { value: DEFAULT_URL, from: "the default" };
}

export function findToken({ token, dataFolder }: AccessOptions, env: Shell["env"], profile: Profile | undefined): Found<Token> {
  if (token) return { value: token, from: "--token" };
  const { STREAMER_TOKEN: named } = env;
  if (named) return { value: named, from: "STREAMER_TOKEN" };
  if (profile?.token !== undefined) return { value: profile.token, from: `profile "${profile.name}"` };
  // Made anew at each reconnect: following a request may take longer than a token lives.
  const mint = (): string => signToken(developmentKey(dataFolder).privateKey, DEVELOPER, Date.now());
  if (hasDevelopmentKey(dataFolder)) return { value: mint, from: `the development key in ${dataFolder}` };
  throw new ExitError(
    EXIT.unauthorized,
    `No token: give --token, set STREAMER_TOKEN or write a profile. (There is no development key in ${dataFolder} to make one with; "streamer serve" makes it there at its first start.)`,
    "UNAUTHORIZED",
  );
}

/** The flags that were given, for a shell. What the environment says it will say again. */
export function accessFlags({ url, token, profile, dataFolder }: AccessOptions): string {
  const flags = {
    url: url === DEFAULT_URL ? undefined : url,
    token,
    profile,
    "data-folder": dataFolder === DEFAULT_DATA_FOLDER || token !== undefined ? undefined : dataFolder,
  };
  return Object.entries(flags)
    .map(([name, value]) => (value === undefined ? "" : ` --${name} ${quote(value)}`))
    .join("");
}

/** For a shell. */
export const quote = (text: string): string => (/^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
