/**
 * Which server a command speaks to and as whom. Without a token, the development key of the data folder makes one: on
 * the machine where `streamer serve` runs, everything works without copying tokens about.
 */
import { createPrivateKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Option, type Command } from "commander";
import { EXIT, ExitError } from "./exit.ts";
import { mintToken } from "./mint.ts";

export const DEFAULT_PORT = 8_080;
const DEFAULT_URL = `ws://127.0.0.1:${DEFAULT_PORT}`;
export const DEFAULT_DATA_FOLDER = "./streamer-data";
export const DEVELOPER = { sub: "developer", tenantId: "default", permissions: [], ttlMs: 86_400_000 } as const;
const KEY_FILE = "development-key.pem";

export interface AccessOptions {
  readonly url: string;
  readonly token?: string;
  readonly dataFolder: string;
}

export function addAccessOptions(command: Command): Command {
  return command
    .addOption(new Option("--url <url>", "server address").env("STREAMER_URL").default(DEFAULT_URL))
    .addOption(new Option("--token <jwt>", "who you are (default: made with the data folder's development key)").env("STREAMER_TOKEN"))
    .option("--data-folder <folder>", "where that key is looked for", DEFAULT_DATA_FOLDER);
}

/** What has to be said again to reach the same server. */
export function addedAccess({ url, token, dataFolder }: AccessOptions): string {
  const parts = [
    url === DEFAULT_URL ? "" : ` --url ${url}`,
    token === undefined ? "" : ` --token ${token}`,
    dataFolder === DEFAULT_DATA_FOLDER || token !== undefined ? "" : ` --data-folder ${quote(dataFolder)}`,
  ];
  return parts.join("");
}

/** For a shell. */
export const quote = (text: string): string => (/^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

export function findToken({ token, dataFolder }: AccessOptions): string {
  if (token !== undefined && token !== "") return token;
  const keyFile = join(dataFolder, KEY_FILE);
  if (existsSync(keyFile)) return mintToken({ privateKey: createPrivateKey(readFileSync(keyFile)) }, DEVELOPER);
  throw new ExitError(
    EXIT.unauthorized,
    `No token: give --token or set STREAMER_TOKEN. (There is no development key in ${dataFolder} to make one with; "streamer serve" makes it there at its first start.)`,
    "UNAUTHORIZED",
  );
}
