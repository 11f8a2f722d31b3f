/**
 * The user's profiles: names for a server's URL and a token, in one file of theirs. It holds secrets and names commands
 * that are run, so a file that others may read or write is refused rather than used.
 */
import { exec } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { promisify } from "node:util";
import { EXIT, ExitError, usage } from "./exit.ts";
import type { Shell } from "./shell.ts";

type Env = Shell["env"];

export interface Profile {
  readonly name: string;
  readonly url?: string;
  /** A token, or how to get a fresh one. */
  readonly token?: string | (() => Promise<string>);
}

/** What is used when nobody names one. */
const DEFAULT_PROFILE = "default";
const TOKEN_KEYS = ["token", "token_file", "token_command"] as const;
const KEYS: readonly string[] = ["url", ...TOKEN_KEYS];
/** A command that asks a person for something takes a while; one that hangs is not waited for. */
const TOKEN_COMMAND_MS = 60_000;

export function profileFile({ XDG_CONFIG_HOME: configured = "", HOME: home = homedir() }: Env): string {
  // The XDG specification has relative paths ignored.
  return join(isAbsolute(configured) ? configured : join(home, ".config"), "streamer", "profiles.json");
}

/** The profile of that name, or of STREAMER_PROFILE; the one named "default", if there is one, when neither is given. */
export function readProfile(asked: string | undefined, env: Env): Profile | undefined {
  const file = profileFile(env);
  const name = asked ?? (env["STREAMER_PROFILE"] || undefined);
  const profiles = readProfiles(file);
  const fields = profiles?.[name ?? DEFAULT_PROFILE];
  if (fields) return { name: name ?? DEFAULT_PROFILE, ...read(fields, file, env) };
  if (name === undefined) return undefined;
  throw usage(
    profiles
      ? `There is no profile "${name}" in ${file}. It has: ${Object.keys(profiles).join(", ") || "none"}.`
      : `There is no profile "${name}": ${file} does not exist. docs/guides/cli.md shows what it holds.`,
  );
}

type Fields = Readonly<Record<string, string>>;

function readProfiles(file: string): Readonly<Record<string, Fields>> | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats) return undefined;
  // Windows has no such bits: they would always look open.
  if (process.platform !== "win32" && (stats.mode & 0o077) !== 0)
    throw usage(`${file} is open to others (mode ${(stats.mode & 0o777).toString(8)}) and may hold tokens. Run: chmod 600 ${file}`);
  let profiles: unknown;
  try {
    profiles = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw usage(`${file} cannot be read as JSON: ${(error as Error).message}.`);
  }
  if (!isRecord(profiles)) throw usage(`${file} must hold an object of profiles by name.`);
  for (const [name, fields] of Object.entries(profiles)) checkFields(fields, `Profile "${name}" in ${file}`);
  return profiles as Readonly<Record<string, Fields>>;
}

function checkFields(fields: unknown, what: string): void {
  if (!isRecord(fields)) throw usage(`${what} must be an object.`);
  for (const [key, value] of Object.entries(fields)) {
    if (!KEYS.includes(key)) throw usage(`${what} has "${key}"; a profile has ${KEYS.join(", ")}.`);
    if (typeof value !== "string" || value === "") throw usage(`${what}: ${key} must be text.`);
  }
  if (TOKEN_KEYS.filter((key) => key in fields).length > 1) throw usage(`${what} has several of ${TOKEN_KEYS.join(", ")}; give one.`);
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function read(fields: Fields, file: string, env: Env): Omit<Profile, "name"> {
  const { url } = fields;
  const token = tokenIn(fields, file, env);
  return { ...(url !== undefined && { url }), ...(token !== undefined && { token }) };
}

function tokenIn({ token, token_file: path, token_command: command }: Fields, file: string, env: Env): Profile["token"] {
  if (path !== undefined) return () => tokenOfFile(resolve(dirname(file), path));
  return command === undefined ? token : () => tokenOfCommand(command, env);
}

const noToken = (message: string): ExitError => new ExitError(EXIT.unauthorized, message, "UNAUTHORIZED");

async function tokenOfFile(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: Error) => {
    throw noToken(`The token cannot be read from the profile's token_file: ${error.message}.`);
  });
  return text.trim();
}

async function tokenOfCommand(command: string, env: Env): Promise<string> {
  const { stdout } = await promisify(exec)(command, { env, timeout: TOKEN_COMMAND_MS }).catch((error: Error & { stderr?: string }) => {
    throw noToken(`The profile's token_command failed: ${(error.stderr ?? "").trim() || error.message}`);
  });
  const token = stdout.trim();
  if (token === "") throw noToken(`The profile's token_command printed nothing: ${command}`);
  return token;
}
